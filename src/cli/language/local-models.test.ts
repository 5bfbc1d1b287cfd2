import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../../test/command.ts';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-language-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const llama = join(languageFixtures, 'llama');
const written = (name: string, text: string) => {
  writeFileSync(at(name), text);
  return at(name);
};
const taught = ['--prompt', 'a b', '--answer', ' c', '--data', written('two.txt', 'a b c\nb c a\n')];
written('one.txt', 'a b c\n');
const ask = (what: string, ...words: readonly string[]) =>
  wherefore('language', what, llama, '--tokenizer', byteTokenizerPath, ...words);

/** What lies in the folder of the last run. */
function lastRun(): { readonly document: Record<string, unknown>; readonly page: string } {
  const [name] = readdirSync(at('runs')).sort().reverse();
  const files = readdirSync(join(at('runs'), name)).sort();
  expect(files).toHaveLength(3);
  const document = files.find((file) => file.endsWith('.json') && file !== 'run.json') as string;
  const read = (file: string) => readFileSync(join(at('runs'), name, file), 'utf8');
  return { document: JSON.parse(read(document)), page: read('index.html') };
}

describe('questions about a local language model', () => {
  it('generate writes a text, the same for the same seed', async () => {
    const words = ['--prompt', 'the b', '--max-tokens', '8', '--temperature', '1.5', '--seed'];
    const { code, output, errors } = await ask('generate', ...words, '3');
    expect([code, errors]).toEqual([
      0,
      expect.stringMatching(/note: the file's 4 inputs.*\n8 tokens in .* ended by --max-tokens/s),
    ]);
    expect((await ask('generate', ...words, '3')).output).toBe(output);
    const json = JSON.parse((await ask('generate', ...words, '4', '--json')).output);
    expect(json).toMatchObject({ prompt: 'the b', stopped: 'max tokens', sampling: { temperature: 1.5, seed: 4 } });
    expect(json.ids).toHaveLength(8);
  });

  it('why shares out a probability, and leaves a page and a document', async () => {
    const { code, output } = await ask(
      'why',
      '--prompt',
      'the b c',
      '--answer',
      ' a',
      '--sets',
      '8',
      '--out',
      at('runs'),
    );
    expect(code).toBe(0);
    expect(output).toMatch(/answer: " a" {2}log p = −/);
    expect(output).toMatch(/KernelSHAP .* 0 %/);
    const { document, page } = lastRun();
    expect(document).toMatchObject({ format: 'wherefore/language-why', prompt: 'the b c', unit: 'word' });
    expect(page).toContain('wherefore language why');
    expect(page).not.toContain(folder);
  });

  it('where shows lens, blocks, patching and steering', async () => {
    const options = ['--corrupt', 'b=c', '--toward', 'b b', '--away', 'c c', '--strength', '2', '--out', at('runs')];
    const { code, output, errors } = await ask('where', '--prompt', 'the b', '--answer', 'c', ...options);
    expect(code).toBe(0);
    expect(errors).toMatch(/“c” goes on with the last word of the prompt; as a word of its own it is " c"/);
    expect(output).toMatch(/layer\.1\/mlp\.out/);
    expect(output).toMatch(/patching with "b" → "c"/);
    const { document, page } = lastRun();
    expect(document).toMatchObject({ format: 'wherefore/language-where', tokens: expect.any(Array) });
    expect(page).toContain('denoising');
  });

  it('features learns a dictionary beside others', async () => {
    writeFileSync(at('texts.txt'), Array.from({ length: 20 }, (_, i) => `the b c ${i} and a b the c`).join('\n'));
    const words = ['--texts', at('texts.txt'), '--steps', '40', '--seeds', '2', '--active', '3', '--out', at('runs')];
    const { code, output } = await ask('features', ...words);
    expect(code).toBe(0);
    expect(output).toMatch(/explained +loss won back +like another seed +active +dead +dictionary\n/);
    expect(output).toMatch(/raw neurons/);
    expect(lastRun().document).toMatchObject({ format: 'wherefore/language-features', features: 64 });
  });

  it('circuit shows heads, neurons, edges and how faithful they are', async () => {
    const words = ['--prompt', 'the b c', '--steps', '2', '--neurons', '3', '--together', 'layer.0/head.1'];
    const { code, output } = await ask('circuit', ...words, '--out', at('runs'));
    expect(code).toBe(0);
    expect(output).toMatch(/noising +denoising +head\n.*layer\.\d\/head\.\d/);
    expect(output).toMatch(/layer\.0\/head\.1 ablated together: .*; all other heads: /);
    // All edges together are the model.
    expect(output).toMatch(/ 1\.00 +1\.00 +1\.00\n/);
    const { document, page } = lastRun();
    expect(document).toMatchObject({ format: 'wherefore/language-circuit', steps: 2, neurons: expect.any(Array) });
    expect(page).toContain('Which parts make the answer?');
  });

  it.each<[string, readonly string[], RegExp]>([
    ['features', [], /required option '--texts/],
    ['circuit', ['--prompt', 'a', '--corruption', 'none'], /--corruption.*none.*mean, or last:WORD/],
    ['circuit', ['--prompt', 'a b', '--corruption', 'mean', '--corrupt', 'a=b'], /given twice/],
    ['circuit', ['--prompt', 'a b', '--corrupt', 'c=b'], /no such word/],
    ['circuit', ['--prompt', 'a b', '--together', 'head.1'], /no such head.*layer\.0\/head\.0/],
    ['generate', [], /no prompt is given.*--prompt/],
    ['generate', ['--prompt', 'a', '--prompt-file', 'x'], /two prompts are given.*keep one/],
    ['generate', ['--prompt-file', 'none.txt'], /none.txt: there is no such file/],
    ['generate', ['--prompt', 'a', '--max-tokens', '100'], /longer than the model takes.*at most 64.*--max-tokens/],
    ['generate', ['--prompt', 'a', '--temperature', 'warm'], /expected a number/],
    ['generate', ['--prompt', 'a', '--temperature', '-1'], /sampling: temperature/],
    ['generate', ['--prompt', 'a', '--top-p', '0'], /sampling: topP/],
    ['generate', ['--prompt', 'a', '--chat'], /no chat template.*as a text/],
    ['generate', ['--prompt', 'a', '--system', 'b'], /part of a conversation.*--chat/],
    ['generate', ['--prompt', 'a', '--file', 'other.onnx'], /no such model.*model.onnx/],
    ['why', ['--prompt', ''], /the prompt is empty/],
    ['why', ['--prompt', 'a', '--answer', ' b', '--against', ' b'], /compared with itself/],
    ['why', ['--prompt', 'a', '--answer', ' b', '--token', '9'], /no such token/],
    ['why', ['--prompt', 'a', '--unit', 'letter'], /expected one of token, word, sentence/],
    ['why', ['--prompt', 'a', '--method', 'magic'], /expected one of integrated-gradients/],
    ['why', ['--prompt', 'a', '--alternative', 'b'], /--alternative.*word=other/],
    ['why', ['--prompt', 'a', '--sets', '3'], /sets.*whole number from 8/],
    ['where', ['--prompt', 'a b', '--corrupt', 'b'], /--corrupt.*word=other/],
    ['where', ['--prompt', 'a b', '--corrupt', 'x=y'], /no such word/],
    ['where', ['--prompt', 'a b', '--toward', 'b'], /texts of both kinds.*--away/],
    ['where', ['--prompt', 'a b', '--toward', 'b', '--away', 'c', '--layer', '7'], /no such layer.*0 to 1/],
    ['where', ['--prompt', 'a b', '--strength', '2'], /how to steer, and not along what.*--toward/],
    ['circuit', ['--prompt', 'a b', '--steps', '0'], /--steps.*whole number/],
    ['features', ['--texts', 'none.txt'], /none.txt: there is no such file/],
    ['features', ['--texts', at('two.txt'), '--layer', '7'], /no such layer/],
    ['features', ['--texts', at('two.txt')], /too few tokens to learn features from.*128 at least/],
    ['taught', ['--prompt', 'a', '--answer', ' b'], /required option '--data/],
    ['taught', ['--prompt', 'a', '--answer', ' b', '--data', 'none.txt'], /none.txt: there is no such file/],
    ['taught', [...taught, '--instead', 'a'], /--instead.*expected a word of the prompt and others: Anna=Bela/],
    ['taught', [...taught, '--instead', 'c=b'], /the prompt has no such word.*as it stands there/],
    ['taught', [...taught, '--method', 'ekfac'], /did you mean "ek-fac"/],
    ['taught', [...taught, '--checkpoints', 'nowhere'], /nowhere/],
    ['taught', ['--prompt', 'a b', '--answer', ' c', '--data', at('one.txt')], /too few training texts.*two at least/],
  ])('%s says what is wrong with %j', async (what, words, message) => {
    const { code, errors } = await ask(what, ...words, ...(what === 'generate' ? [] : ['--out', at('runs')]));
    expect(code).toBe(1);
    expect(errors).toMatch(message);
    expect(
      errors
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('error')),
    ).toHaveLength(1);
  });

  it('says what a folder lacks', async () => {
    mkdirSync(at('empty'));
    expect((await wherefore('language', 'generate', at('nowhere'), '--prompt', 'a')).errors).toMatch(/no such folder/);
    expect((await wherefore('language', 'generate', at('empty'), '--prompt', 'a')).errors).toMatch(
      /no such model.*no .onnx file/,
    );
    expect((await wherefore('language', 'generate', llama, '--prompt', 'a')).errors).toMatch(
      /no tokenizer.*tokenizer.json/,
    );
    for (const name of ['a.onnx', 'b.onnx']) writeFileSync(at(`empty/${name}`), '');
    expect((await wherefore('language', 'generate', at('empty'), '--prompt', 'a')).errors).toMatch(
      /several models.*--file a.onnx/,
    );
  });

  it('refuses a model that looks at later tokens', async () => {
    const encoder = join(languageFixtures, 'encoder');
    const { code, errors } = await wherefore(
      'language',
      'generate',
      encoder,
      '--tokenizer',
      byteTokenizerPath,
      '--prompt',
      'a',
      '--max-tokens',
      '5',
    );
    expect(code).toBe(1);
    expect(errors).toMatch(/looks at tokens that come later/);
  });
});
