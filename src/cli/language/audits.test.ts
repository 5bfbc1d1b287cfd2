import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../../test/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-audits-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const models = fileURLToPath(new URL('../../../examples/language/models', import.meta.url));
const adds = ['--model', join(models, 'addition-follows')];
const ask = (...words: readonly string[]) => wherefore('language', ...words, '--out', at('runs'));
const written = (name: string, text: string) => {
  writeFileSync(at(name), text);
  return at(name);
};

/** The page of the last run. */
const page = () =>
  readFileSync(join(at('runs'), readdirSync(at('runs')).sort().at(-1) as string, 'index.html'), 'utf8');

describe('language audit', { timeout: 60_000 }, () => {
  const templates = written('templates.txt', [1, 2, 3, 4, 5].map((digit) => `{word} 0 ${digit} + 1 1 1 =`).join('\n'));
  const groups = ['--group', 'small=1,2', '--group', 'large=7,8'];

  it('fairness compares groups of words in the same texts', async () => {
    const { code, output } = await ask('audit', 'fairness', templates, ...groups, '--answer', ' 2', ...adds);
    expect(code).toBe(0);
    expect(output).toMatch(/gap, small less large +-?\d+\.\d\d +-?\d+\.\d\d to /);
    expect(page()).toContain('Does it matter who is named?');
  });

  it('memory, behaviour and honesty leave a verdict and their cases', async () => {
    const canaries = written('canaries.csv', 'prefix,secret,copies\n1 2,3,0\n2 2,3,0\n4 2,3,5\n5 2,3,5\n');
    const secrets = written('secrets.txt', '0\n1\n2\n4\n5\n6\n7\n8\n9\n');
    const memory = await ask('audit', 'memory', canaries, '--alternatives', secrets, ...adds);
    expect(memory.output).toMatch(/exposure of canaries never seen.*at most 3\.32/);
    const prompts = written('prompts.txt', '4 7 2 + 3 8 9 =\n1 0 5 + 2 6 1 =\n0 0 1 + 0 0 1 =\n');
    const behaviour = await ask(
      'audit',
      'behaviour',
      prompts,
      '--shows',
      written('shows.txt', '9\n'),
      '--max-tokens',
      '5',
      ...adds,
    );
    expect(behaviour.output).toMatch(/33 % of 3 prompts show the behaviour as they are/);
    const questions = written('questions.csv', 'question,right\n4 7 2 + 3 8 9 =,2\n1 0 5 + 2 6 1 =,5\n');
    const honesty = await ask('audit', 'honesty', questions, '--samples', '3', '--max-tokens', '1', ...adds);
    expect(honesty.output).toMatch(/says the same to all 2 questions/);
    expect(page()).toContain('4 7 2 + 3 8 9 =');
  });

  it('does not let a text write to the terminal', async () => {
    const groups = ['--group', 'small\u001b[2J=1,2', '--group', 'large=7,8'];
    const { output } = await ask('audit', 'fairness', templates, ...groups, '--answer', ' 2', ...adds);
    expect(output).not.toContain('\u001b[2J');
  });

  it.each<[readonly string[], RegExp]>([
    [['fairness', templates, '--group', 'small=1', '--answer', ' 2'], /--group.*1 groups.*twice/],
    [['fairness', templates, '--group', 'small', '--group', 'large=7', '--answer', ' 2'], /--group.*small.*women=Anna/],
    [['behaviour', templates], /not said which answers show it.*--unless/],
    [['behaviour', templates, '--shows', at('none.txt')], /none.txt/],
    [['memory', at('missing.csv'), '--alternatives', templates], /missing.csv/],
    [['honesty', written('empty.csv', 'text\na\n')], /no column.*question/],
  ])('gives one message for %#', async (words, message) => {
    const { code, errors } = await ask('audit', ...words, ...adds);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});

describe('language shortcut and concepts', { timeout: 60_000 }, () => {
  const texts = join(models, 'shortcut', 'texts.jsonl');
  const sums = Array.from({ length: 20 }, (_, i) =>
    JSON.stringify({ text: `1 ${i % 10} +`, label: i % 2 ? 'a' : 'b' }),
  ).join('\n');
  const classifier = ['--model', join(models, 'shortcut')];

  it('shortcut ranks the words and writes copies', async () => {
    const more = at('more.jsonl');
    const { code, output } = await ask('shortcut', texts, ...classifier, '--permutations', '20', '--write', more);
    expect(code).toBe(0);
    expect(output).toMatch(/proposed to exchange: (reeves and benton|benton and reeves); 600 copies/);
    expect(readFileSync(more, 'utf8').trim().split('\n')).toHaveLength(1200);
    expect(page()).toContain('Is there a shortcut?');
  });

  it('probe says where a label can be read off', async () => {
    const digits = Array.from({ length: 60 }, (_, i) =>
      JSON.stringify({ text: `${i % 10} ${(7 * i) % 10} +`, label: i % 2 ? 'odd' : 'even' }),
    );
    const { code, output } = await ask('probe', written('digits.jsonl', digits.join('\n')), '--mean', ...adds);
    expect(code).toBe(0);
    expect(output).toMatch(/at random +of 18 held-out texts, behind\n.*embed\n.*layer\.0\/resid\.post/);
    expect(page()).toContain('Where can it be read off?');
  });

  it('concepts fits, and shows what an edit changes', async () => {
    const concepts = written('concepts.txt', 'named reeves: reeves\ndenial: not\n');
    const { code, output } = await ask('concepts', texts, '--concepts', concepts, '--set', 'named reeves=1');
    expect(code).toBe(0);
    expect(output).toMatch(/named reeves = 1: \d+ of 12 texts change class/);
    expect(output).toMatch(/by concepts, yes or no +0\.\d+/);
    expect(page()).toContain('A classifier that goes by concepts');
  });

  it.each<[readonly string[], RegExp]>([
    [['shortcut', texts, ...classifier, '--label', 'stars'], /no column.*stars/],
    [['shortcut', texts, ...classifier, '--classes', 'bad,fine'], /no class of the model.*good/],
    [['shortcut', written('sums.jsonl', sums), ...adds], /no classifier of texts.*logits of two classes/],
    [['shortcut', texts, ...classifier, '--swap', 'reeves'], /--swap/],
    [['shortcut', at('none.jsonl'), ...classifier], /none.jsonl/],
    [['probe', written('one.jsonl', sums), ...adds, '--label', 'stars'], /no column.*stars/],
    [['probe', written('few.jsonl', '{"text":"1","label":"a"}'), ...adds], /few/],
    [['concepts', texts], /no concept is given.*--propose/],
    [['concepts', texts, '--concepts', written('ok.txt', 'denial: not\n'), '--set', 'denial'], /--set/],
    [['concepts', texts, '--propose', '3'], /no model is named.*--model/],
    [['concepts', texts, '--concepts', written('bare.txt', 'warmth\n')], /no words to look for.*warmth/],
  ])('gives one message for %#', async (words, message) => {
    const { code, errors } = await ask(...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});
