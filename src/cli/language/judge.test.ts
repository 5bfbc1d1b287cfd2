import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../../test/command.ts';
import { type StubEndpoint, startStub } from '../../../test/stub-endpoint.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-judge-'));
const at = (name: string) => join(folder, name);
let stub: StubEndpoint;

beforeAll(async () => {
  // It knows sums, and takes the first answer where the question is about letters.
  stub = await startStub({
    name: 'expert',
    logProbability: () => -1,
    answer: (prompt) => {
      const sum = Number(/What is (\d+) plus 1/.exec(prompt)?.[1]) + 1;
      const texts = [...prompt.matchAll(/Answer \d\n-----\n(.*)\n/g)].map(([, text]) => text);
      return Number.isNaN(sum) ? '1' : String(texts.indexOf(`It is ${sum}.`) + 1);
    },
  });
  const rows = Array.from({ length: 24 }, (_, i) => ({
    id: `sum ${i}`,
    question: `What is ${i} plus 1?`,
    a: `It is ${i + 1}.`,
    b: `<b>It is surely ${i + 2}.</b>`,
    people: i < 6 ? 'a' : '',
  }));
  const letters = { id: 'letters', question: 'Which letter?', a: 'x', b: 'y', people: 'tie' };
  writeFileSync(at('pairs.jsonl'), [...rows, letters].map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(async () => {
  await stub.close();
  rmSync(folder, { recursive: true, force: true });
});

const judge = (pairs: string, ...words: string[]) =>
  wherefore(
    'language',
    'judge',
    at(pairs),
    ...['--endpoint', stub.url, '--model', 'expert', '--answers', at('answers'), '--out', at('runs')],
    ...words,
  );

describe('language judge', () => {
  it('says who is better, how far the judge can be trusted, and leaves a page', async () => {
    const { code, output } = await judge('pairs.jsonl', '--people', 'people', '--a', 'ours', '--b', 'theirs');
    expect(code).toBe(0);
    expect(output).toMatch(
      /ours is better by people's judgement: it wins 100 % of the pairs, 95 % interval 65 % to 100 %/,
    );
    expect(output).toMatch(/both orders agree\s+0\.96/);
    expect(output).toMatch(/agreement with people \(kappa\)\s+1\.00/);
    const [run] = readdirSync(at('runs'));
    const page = readFileSync(join(at('runs'), run, 'index.html'), 'utf8');
    expect(page).toContain('ours is better by people');
    expect(page).toContain('It is surely 2.');
    expect(page).not.toContain('<b>It');
    const document = JSON.parse(readFileSync(join(at('runs'), run, 'judgement.json'), 'utf8'));
    expect(document.judgement.counts).toEqual({ a: 24, b: 0, undecided: 1, abstained: 0, unreadable: 0 });
  });

  it('asks nothing twice', async () => {
    await judge('pairs.jsonl');
    const before = stub.requests.length;
    const { output } = await judge('pairs.jsonl', '--calls', '1');
    expect(output).toMatch(/0 requests, 0 tokens; 50 answers were known/);
    expect(stub.requests).toHaveLength(before);
  });

  it('ends with one message at the limit, and goes on from there', async () => {
    const { code, errors } = await judge('pairs.jsonl', '--rubric', 'The shorter one.', '--calls', '10');
    expect(code).toBe(1);
    expect(errors).toMatch(/the limit of 10 requests is reached.*Fix: allow more and start again/);
  });

  it('says why people who rated one pair correct nothing', async () => {
    const rows = [0, 1, 2, 3].map((i) => ({
      question: `What is ${i} plus 1?`,
      a: `It is ${i + 1}.`,
      b: 'x',
      p: i ? '' : 'a',
    }));
    writeFileSync(at('few.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const { code, output } = await judge('few.jsonl', '--people', 'p');
    expect(code).toBe(0);
    expect(output).toMatch(/No verdict: A wins 100 %/);
    expect(output).toMatch(/not corrected by people: people must have rated three pairs at least/);
    expect(output).not.toContain('NaN');
  });

  it.each<[string, string, string[], RegExp]>([
    ['a column is missing', '{"question":"q","a":"x"}', [], /no column.*b/],
    ['an answer is missing', '{"question":"q","a":"x","b":null}', [], /a pair has no answer b/],
    [
      'both sides have one name',
      '{"question":"q","a":"x","b":"y"}',
      ['--a', 'X', '--b', 'X'],
      /called the same.*--a and --b/,
    ],
    ['the rubric is empty', '{"question":"q","a":"x","b":"y"}', ['--rubric', ' '], /--rubric is empty/],
    ['there is nothing', '', [], /the table is empty/],
    [
      'two pairs have one id',
      '{"id":"1","question":"q","a":"x","b":"y"}\n{"id":"1","question":"r","a":"x","b":"y"}',
      [],
      /one id/,
    ],
    ['no column has what people said', '{"question":"q","a":"x","b":"y"}', ['--people', 'q'], /no column "q"/],
    ['pairs are equal', '{"question":"q","a":"x","b":"x"}', [], /two equal answers/],
    [
      'people said something else',
      '{"question":"q","a":"x","b":"y","p":"both"}',
      ['--people', 'p'],
      /none of the choices/,
    ],
    ['the model is another', '{"question":"q","a":"x","b":"y"}', ['--model', 'expret'], /did you mean "expert"/],
  ])('gives one message where %s', async (name, text, words, message) => {
    writeFileSync(at('wrong.jsonl'), text);
    const { code, errors } = await judge('wrong.jsonl', ...words);
    expect(code).toBe(1);
    expect(errors, name).toMatch(message);
  });
});
