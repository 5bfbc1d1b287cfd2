import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { markdown, measure, type Table } from './measure.ts';
import type { Subject } from './question.ts';
import { demoSubject, residualSubject, squeezeNetSubject } from './subjects.ts';

// Writes docs/attribution-error.md: `npm run attribution-error`, from the repository root.
// Arguments: how many pictures of the demo, then, to measure only one network, its number (0, 1, 2) and the file to write.
const root = process.cwd();
const data = join(root, '../shared/data');
const count = Number(process.argv[2] ?? 64);
const only = process.argv[3];
const page = join(root, process.argv[4] ?? 'docs/attribution-error.md');

const introduction = `# Attribution error, method by method

Written by \`npm run attribution-error\`; do not edit by hand.

Median over the inputs of the relative error E / |T| = |ΣA − T| / |T|, with T = f(x) − f(x0): how far the attributions are
from adding up to the difference that they are asked about. The same T stands at every layer. In brackets, for methods
with a baseline built in: the error against the target of their own, relative to it. An empty cell: the method does not
explain such a layer. Sums are taken as the method gives them, before anything is normalised for a picture. Inputs whose
output differs from the baseline's by less than 1 % are left out; methods of more than 60 passes are measured on a
sixteenth of the inputs, at least two. Methods that perturb hide nine tiles, with few samples
(kernel-shap 128, orders 8, LIME and RISE 200, expected gradients 50, SmoothGrad and VarGrad 20 to 50); the error says nothing about which of two methods
with a small one is nearer to the truth of the model.`;

const runtime = createNodeRuntime();
try {
  const subjects = [
    () => demoSubject(root, runtime, count),
    () => residualSubject(root, runtime, Math.min(count, 16)),
    () => squeezeNetSubject(data, runtime),
  ];
  const parts = [introduction];
  for (const [number, make] of subjects.entries()) {
    if (only !== undefined && Number(only) !== number) continue;
    const subject: Subject | undefined = await make();
    if (!subject) {
      console.log('SqueezeNet is not there: left out');
      continue;
    }
    console.log(subject.title);
    const write = (table: Table) => writeFileSync(page, `${[...parts, markdown(subject, table)].join('\n\n')}\n`);
    const table = await measure(subject, (row, soFar) => {
      console.log(
        `  ${row.title}: ${soFar
          .get(row)
          ?.map((cell) => cell?.median.toPrecision(3) ?? '-')
          .join('  ')}`,
      );
      write(soFar);
    });
    parts.push(markdown(subject, table));
    await subject.model.close();
  }
} finally {
  await runtime.close();
}
