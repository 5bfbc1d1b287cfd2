import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../../test/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-strategies-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Adds with written steps, and answers what they say: see examples/language. */
const model = fileURLToPath(new URL('../../../examples/language/models/addition-follows', import.meta.url));
const runs = ['--out', at('runs'), '--model', model];

const page = () => {
  const all = readdirSync(at('runs')).sort();
  return readFileSync(join(at('runs'), all[all.length - 1], 'index.html'), 'utf8');
};

describe('language reasoning', { timeout: 60_000 }, () => {
  const form = ['--answer-mark', ' #', '--step-end', ';', '--answer-end', '', '--answer-tokens', '4'];

  it('says whether answers depend on the steps, and leaves a page with each chain', async () => {
    writeFileSync(at('sums.txt'), '4 7 2 + 3 8 9 =\n1 0 5 + 2 6 1 =\n');
    const { code, output } = await wherefore(
      'language',
      'reasoning',
      at('sums.txt'),
      ...[...runs, ...form, '--max-tokens', '21', '--filler', '?'],
    );
    expect(code).toBe(0);
    expect(output).toMatch(/steps are cut off +1\.00/);
    expect(output).toMatch(/nothing changes +0\.00/);
    expect(page()).toContain('4 7 2 + 3 8 9 = <b>1 6 8 0</b>');
    // The page names the model, not the folders of this machine.
    expect(page()).not.toContain(folder);
  });

  it.each<[string, string, string[], RegExp]>([
    ['no question', '\n', form, /holds no question/],
    [
      'no steps',
      '4 7 2 + 3 8 9 =',
      ['--answer-mark', '+'],
      /no chain of the model could be read.*Fix: say how steps end/,
    ],
  ])('gives one message for %s', async (_, text, words, message) => {
    writeFileSync(at('wrong.txt'), text);
    const { code, errors } = await wherefore(
      'language',
      'reasoning',
      at('wrong.txt'),
      ...runs,
      ...words,
      '--max-tokens',
      '21',
    );
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});

describe('language sources', { timeout: 60_000 }, () => {
  it('lists what each source was for, and leaves a page', async () => {
    // The last digit of the sum follows from the digits that stand right before it, not from what was said before.
    writeFileSync(at('sources.txt'), '1 1 1 + 2 2 2 =\n\n5 0 5 + 1 0 1 =\n');
    const { code, output } = await wherefore(
      'language',
      'sources',
      at('sources.txt'),
      ...[...runs, '--question', '4 7 2 + 3 8 9 = 2 9 0 :', '--answer', ' 1'],
    );
    expect(code).toBe(0);
    expect(output).toMatch(/answer: 1\n[\s\S]*source +necessity +sufficiency +overlap +verdict\nsource 1 /);
    expect(page()).toContain('Which source is the answer from?');
  });

  it.each<[string, string[], RegExp]>([
    ['one source', ['--question', '='], /too few sources/],
    ['no sources', ['--question', '=', '--answer', ' 1', '--floor', 'low'], /--floor.*expected a number/],
    ['an endpoint that is no address', ['--question', '=', '--endpoint', 'here'], /here/],
    ['an empty answer', ['--question', '=', '--answer', ' '], /too few sources|the answer is empty/],
    ['a folder that is no model', ['--question', '=', '--model', folder], /tokenizer|model/],
  ])('gives one message for %s', async (_, words, message) => {
    writeFileSync(at('one.txt'), '1 1 1');
    const { code, errors } = await wherefore('language', 'sources', at('one.txt'), ...runs, ...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});
