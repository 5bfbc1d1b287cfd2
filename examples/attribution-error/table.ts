import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { adultSubject } from './adult.ts';
import { introduction } from './introduction.ts';
import { markdown, measure, type Table } from './measure.ts';
import type { Subject } from './question.ts';
import { fileStore } from './store.ts';
import { storySubject } from './stories.ts';
import { demoSubject, residualSubject, squeezeNetSubject } from './subjects.ts';

// Writes docs/attribution-error.md: `npm run attribution-error`, from the repository root. A run that was stopped goes
// on where it was; `-- --fresh` measures everything again.
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '64' },
    network: { type: 'string', multiple: true },
    page: { type: 'string', default: 'docs/attribution-error.md' },
    fresh: { type: 'boolean', default: false },
  },
});
const root = process.cwd();
const folder = join(root, '.wherefore/attribution-error');
if (options.fresh) rmSync(folder, { recursive: true, force: true });
const count = Number(options.images);

const runtime = createNodeRuntime();
const networks: Readonly<Record<string, () => Promise<Subject | undefined>>> = {
  demo: () => demoSubject(root, runtime, count),
  resnet: () => residualSubject(folder, runtime, count),
  adult: () => adultSubject(folder, join(root, '../shared/data'), runtime, count),
  stories: () => storySubject(join(root, '../shared/data'), runtime),
  squeezenet: () => squeezeNetSubject(join(root, '../shared/data'), runtime),
};
const started = performance.now();
try {
  const parts = [introduction];
  for (const [name, make] of Object.entries(networks)) {
    if (options.network && !options.network.includes(name)) continue;
    const subject = await make();
    if (!subject) {
      console.log(`${name} is not there: left out`);
      continue;
    }
    const store = fileStore(join(folder, `${name}.json`), subject);
    console.log(
      `${subject.title}${store.size ? ` (${store.size} cells measured before; --fresh measures all again)` : ''}`,
    );
    const write = (table: Table) =>
      writeFileSync(join(root, options.page), `${[...parts, markdown(subject, table)].join('\n\n')}\n`);
    const table = await measure(subject, store, (row, soFar, seconds) => {
      const medians = soFar.get(row)?.map((cell) => cell?.median.toPrecision(3) ?? '-');
      console.log(`  ${row.title}: ${medians?.join('  ')}  (${seconds.toFixed(1)} s)`);
      write(soFar);
    });
    parts.push(markdown(subject, table));
    await subject.model.close();
  }
  console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`);
} finally {
  await runtime.close();
}
