import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../../test/command.ts';
import { startStub } from '../../../test/stub-endpoint.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-say-'));
const demo = new URL('../../../examples/demo/', import.meta.url).pathname;
let explanation = '';

beforeAll(async () => {
  const [image] = readdirSync(join(demo, 'images')).filter((name) => name.endsWith('.png'));
  const { code } = await wherefore(
    'explain',
    join(demo, 'images', image),
    ...['--model', join(demo, 'model/shapes.onnx'), '--method', 'integrated-gradients', '--layer', 'input'],
    ...['--out', join(folder, 'explained')],
  );
  expect(code).toBe(0);
  const [run] = readdirSync(join(folder, 'explained'));
  explanation = join(folder, 'explained', run);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const say = (...words: string[]) =>
  wherefore(
    'language',
    'say',
    explanation,
    '--out',
    join(folder, 'runs'),
    '--answers',
    join(folder, 'answers'),
    ...words,
  );

describe('language say', () => {
  it('puts an explanation into words of its own, none of which is struck', async () => {
    const { code, output } = await say('--for', 'developer');
    expect(code).toBe(0);
    expect(output).toMatch(/^The model gives [\d.]+ for “[a-z]+”\.\nFor the baseline \(black image\) it gives/);
    expect(output).toMatch(/Raised by the \w+/);
    expect(output).not.toContain('struck');
  });

  it('strikes what a model makes up, and keeps what is so', async () => {
    const stub = await startStub({
      name: 'writer',
      logProbability: () => -1,
      answer: () => 'The centre raised the result by 999. The error is 77 %. There is more to say.',
    });
    try {
      const { code, output } = await say('--endpoint', stub.url, '--model', 'writer');
      expect(code).toBe(0);
      expect(output).toMatch(/\[struck: 999 is not so of the centre\] The centre raised/);
      expect(output).toMatch(/\[struck: 77 % is not so\]/);
      expect(output).toMatch(/\nThere is more to say\./);
      const runs = readdirSync(join(folder, 'runs')).sort();
      const page = readFileSync(join(folder, 'runs', runs[runs.length - 1], 'index.html'), 'utf8');
      expect(page).toContain('<del>The centre raised the result by 999.</del>');
    } finally {
      await stub.close();
    }
  });

  it.each([
    [['--endpoint', 'http://127.0.0.1:1/v1'], /half of a model is named/],
    [['--ask', 'Why?'], /no model is named that could answer.*--endpoint/],
    [['--for', 'my boss'], /developer, domain-user, end-user/],
  ])('gives one message for %j', async (words, message) => {
    const { code, errors } = await say(...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });

  it('asks which explanation where a folder holds none', async () => {
    const { code, errors } = await wherefore('language', 'say', folder);
    expect(code).toBe(1);
    expect(errors).toMatch(/does not hold one explanation \(got none\)/);
  });
});
