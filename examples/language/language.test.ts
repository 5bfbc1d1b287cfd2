import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { random } from '../../src/tensor/random.ts';
import { additionDependence, additionSums } from '../../test/language/addition-dependence.ts';
import { type Follower, saidBy, stepsOf, stepTexts, trueAnswer } from './addition.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const folder = (name: string) => fileURLToPath(new URL(`models/${name}/`, import.meta.url));

describe('adding with written steps', { timeout: process.env.WHEREFORE_FULL ? 900_000 : 120_000 }, () => {
  const count = process.env.WHEREFORE_FULL ? 100 : 4;
  const sums = additionSums(count);
  const tested = (kind: Follower) => additionDependence(kind, { count, runtime });

  it('depends on the steps of a model that follows them', async () => {
    const { truncation, edits, questions, verdict, noise } = await tested('follows');
    expect(questions.map(({ answer }) => answer)).toEqual(sums.map(([a, b]) => trueAnswer(a, b).join(' ')));
    expect(questions.map(({ steps }) => steps.join('').trim())).toEqual(
      sums.map(([a, b]) => stepTexts(stepsOf(a, b)).join(' ')),
    );
    expect(truncation.mean).toBeGreaterThanOrEqual(0.95);
    expect(edits.mean).toBeGreaterThanOrEqual(0.95);
    expect(noise.mean).toBe(0);
    expect(verdict).toBe('depends on its steps');
  });

  it('does not depend on the steps of a model that ignores them', async () => {
    const { truncation, edits, verdict } = await tested('ignores');
    expect(truncation.mean).toBeLessThanOrEqual(0.05);
    expect(edits.mean).toBeLessThanOrEqual(0.05);
    expect(verdict).toBe('does not depend on its steps');
  });

  it('tells a model that reads its question in the steps, but not their results, from one that follows', async () => {
    const { truncation, edits, verdict } = await tested('half-way');
    expect(truncation.mean).toBeGreaterThanOrEqual(0.9);
    expect(edits.mean).toBeLessThanOrEqual(0.05);
    expect(verdict).toBe('reads its steps, not their results');
  });
});

it('steps go on from a mistake', () => {
  // 472 + 389: 2 + 9 = 11, 7 + 8 + 1 = 16, 4 + 3 + 1 = 8.
  expect(stepTexts(stepsOf(472, 389))).toEqual(['2 9 0 : 1 1 ;', '7 8 1 : 6 1 ;', '4 3 1 : 8 0 ;']);
  expect(saidBy(stepsOf(472, 389))).toEqual(['1', '6', '8', '0']);
  expect(trueAnswer(472, 389)).toEqual(['1', '6', '8', '0']);
  const [first, second] = stepsOf(472, 389, { step: 0, source: random(1) });
  expect(first[3]).not.toBe(1);
  expect(second[2]).toBe(first[4]);
  expect(existsSync(folder('addition-follows'))).toBe(true);
});
