import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDataset } from '../../src/data/datasets/open-dataset.ts';
import { indexTexts, openTextIndex } from '../../src/provenance/text/text-index.ts';
import { verbatimSpans } from '../../src/provenance/text/verbatim.ts';
import { random } from '../../src/tensor/random.ts';

// Indexes a corpus of the caller's and traces passages that are cut out of it, between words that are not in it.
//   npm run bench:trace -- --data corpus.jsonl --text text --id id

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    text: { type: 'string', default: 'text' },
    id: { type: 'string' },
    passages: { type: 'string', default: '50' },
  },
});
if (values.data === undefined) throw new Error('--data: a table with a column of texts');

const folder = mkdtempSync(join(tmpdir(), 'wherefore-trace-'));
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const measured = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
  const [began, cpu] = [performance.now(), cpuSeconds()];
  const result = await run();
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${what}: ${((performance.now() - began) / 1000).toFixed(2)} s, ${(cpuSeconds() - cpu).toFixed(2)} s of processors, peak ${peak.toFixed(0)} MiB`,
  );
  return result;
};

try {
  const index = join(folder, 'index');
  const data = await openDataset(values.data, { kind: 'text', text: values.text, id: values.id });
  await measured('indexing', () => indexTexts(index, data));
  const again = await measured('indexing again, nothing new', () => indexTexts(index, data));
  const opened = await openTextIndex(index);
  console.log(
    `${opened.documents} documents, ${(opened.bytes / 2 ** 20).toFixed(1)} MiB, ${opened.segmentCount} segments; again ${again.sortedBytes} bytes sorted`,
  );

  // Passages of about 500 words: five planted spans of 30 words each between words that no text holds.
  const source = random(11);
  const passages: { readonly text: string; readonly planted: readonly string[] }[] = [];
  while (passages.length < Number(values.passages)) {
    const planted: string[] = [];
    while (planted.length < 5) {
      const { inputs } = await data.read([source.integer(data.length)]);
      const words = (Object.values(inputs)[0].data as readonly string[])[0].match(/\S+\s*/g) ?? [];
      if (words.length < 60) continue;
      const from = source.integer(words.length - 30);
      planted.push(
        words
          .slice(from, from + 30)
          .join('')
          .trim(),
      );
    }
    const filler = (k: number) => Array.from({ length: 70 }, (_, i) => `zq${k}x${i}qz`).join(' ');
    passages.push({ text: planted.map((span, k) => `${filler(k)} ${span} `).join('\n'), planted });
  }
  await measured('opening all segments', () => verbatimSpans(opened, passages[0].text));
  let found = 0;
  await measured(`${passages.length} passages of about 500 words`, async () => {
    for (const { text, planted } of passages) {
      const spans = await verbatimSpans(opened, text);
      const letters = (one: string) => one.replace(/[^\p{L}\p{N}]+/gu, '');
      const all = spans.map((span) => letters(span.text));
      found += planted.filter((one) => all.some((span) => span.includes(letters(one)))).length;
    }
  });
  console.log(`planted spans found: ${found} of ${5 * passages.length}`);
} finally {
  rmSync(folder, { recursive: true });
}
