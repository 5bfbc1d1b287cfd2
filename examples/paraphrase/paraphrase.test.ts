import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTokenizer } from '../../src/data/inputs/tokenizer-file.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { wherefore } from '../../test/command.ts';
import { trainEncoder } from './encoder.ts';
import { wordPieceTokenizer } from './wordpiece.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-paraphrase-'));
const at = (name: string) => join(folder, name);

/** What can be meant, each said with every pair of its words. */
const meanings = [
  [
    ['lost', 'missing', 'gone', 'stolen'],
    ['card', 'plastic', 'wallet'],
  ],
  [
    ['refund', 'repay', 'reimburse', 'return'],
    ['payment', 'purchase', 'sum'],
  ],
  [
    ['exchange', 'convert', 'swap', 'change'],
    ['euros', 'dollars', 'currency'],
  ],
  [
    ['verify', 'confirm', 'prove', 'check'],
    ['identity', 'passport', 'name'],
  ],
] as const;
const said = meanings.flatMap(([verbs, things], intent) =>
  verbs.flatMap((verb) => things.map((thing) => ({ intent, text: `what about ${verb} and the ${thing} please` }))),
);
/** These are not in the corpus: it has their words in other sentences alone. */
const asked = ['What about gone and the wallet please', 'What about prove and the passport please'];
const encoder = at('encoder.onnx');

beforeAll(async () => {
  writeFileSync(at('tokenizer.json'), wordPieceTokenizer(said.map(({ text }) => text)));
  const tokenizer = await readTokenizer(at('tokenizer.json'));
  const runtime = createNodeRuntime({ threads: 1 });
  const sentences = said.map(({ text, intent }) => ({ ids: tokenizer.encode(text).ids, intent }));
  const model = await trainEncoder(sentences, { vocabulary: tokenizer.size, seed: 1, epochs: 40 }, runtime);
  await runtime.close();
  writeFileSync(encoder, encodeModel(model));
  writeFileSync(at('wherefore.yaml'), 'inputs:\n  input_ids: { kind: text, part: ids, tokenizer: tokenizer.json }\n');
  // Of each meaning only the sentences that share no word with those that are asked for.
  const corpus = said.filter(({ text }) => !/gone|wallet|prove|passport/.test(text));
  writeFileSync(at('corpus.csv'), ['text', ...corpus.map(({ text }) => text)].join('\n'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('sentences in other words', { timeout: 120_000 }, () => {
  const indexed = (...words: string[]) =>
    wherefore('trace', 'index', at('corpus.csv'), '--text', 'text', '--out', at('index'), ...words);

  it('are found by an encoder that was trained by contrast, and shown', async () => {
    const made = await indexed('--encoder', encoder);
    expect(made.output).toMatch(/36 sentences embedded by encoder\.onnx, 0 there already/);
    expect((await indexed('--encoder', encoder)).output).toMatch(
      /0 sentences embedded by encoder\.onnx, 36 there already/,
    );
    const passage = `${asked.join('. ')}.`;
    const words = [
      'trace',
      passage,
      '--index',
      at('index'),
      '--encoder',
      encoder,
      '--support',
      '0',
      '--out',
      at('runs'),
    ];
    const { sentences, folder: run } = JSON.parse((await wherefore(...words, '--json')).output);
    const nearest = sentences.map(({ sources }: { sources: { text: string }[] }) => sources[0]?.text ?? '');
    expect(nearest[0]).toMatch(/lost|missing|stolen/);
    expect(nearest[1]).toMatch(/verify|confirm|check/);
    expect(readFileSync(join(run, 'index.html'), 'utf8')).toContain('In other words');
  });

  it('need the encoder of the index', async () => {
    await indexed('--encoder', encoder);
    const { code, errors } = await wherefore('trace', asked[0], '--index', at('index'));
    expect(code).toBe(1);
    expect(errors).toMatch(/the encoders of the index are needed.*expected encoder/s);
    expect((await indexed()).errors).toMatch(/vectors of sentences, which new texts need as well/);
    expect((await indexed('--encoder', encoder, '--encoder', encoder)).errors).toMatch(/vectors of one encoder/);
  });
});
