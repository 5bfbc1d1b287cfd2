import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../../test/command.ts';
import { type StubEndpoint, startStub } from '../../../test/stub-endpoint.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-why-endpoint-'));
let stub: StubEndpoint;

beforeAll(async () => {
  stub = await startStub({
    name: 'expert',
    answer: () => ' garden',
    logProbability: (prompt) => (prompt.includes('ball is in the garden') ? -1 : -5),
  });
});
afterAll(async () => {
  await stub.close();
  rmSync(folder, { recursive: true, force: true });
});

const prompt = 'Tom came home. The ball is in the <b>old</b> garden. The ball is in the garden. Where is the ball?';
const ask = (...words: string[]) =>
  wherefore(
    ...['language', 'why', 'expert', '--endpoint', stub.url, '--prompt', prompt, '--answer', ' garden'],
    ...['--answers', join(folder, 'answers'), '--out', join(folder, 'runs'), '--calls', '40', ...words],
  );

describe('language why --endpoint', () => {
  it('leaves parts out, leaves a page, and pays for nothing twice', async () => {
    const { code, output } = await ask('--keep', 'Where is the ball?');
    expect(code).toBe(0);
    expect(output).toMatch(/\+4\.00 +The ball is in the garden\./);
    expect(output).toMatch(/words of the answer/);
    expect(output).toMatch(/\d+ requests, /);
    const [run] = readdirSync(join(folder, 'runs'));
    const page = readFileSync(join(folder, 'runs', run, 'index.html'), 'utf8');
    expect(page).toContain('Why this answer?');
    expect(page).not.toContain('<b>old');
    expect((await ask('--keep', 'Where is the ball?')).output).toMatch(/0 requests, 0 tokens/);
  });

  it.each<[string[], RegExp]>([
    [['--method', 'lrp'], /needs gradients, and the model shows none.*leave-one-out/],
    [['--token', '1'], /shows no tokens and no gradients.*--token.*leave --token away/],
    [['--alternative', 'ball=dog'], /--alternative/],
    [['--tokenizer', 't.json'], /--tokenizer/],
    [['--sets', '3'], /sets.*whole number from 8/],
    [['--keep', 'Who'], /no such part to keep/],
    [['--unit', 'word', '--calls', '9'], /the limit of 9 requests is reached/],
  ])('gives one message for %j', async (words, message) => {
    const { code, errors } = await ask(...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});
