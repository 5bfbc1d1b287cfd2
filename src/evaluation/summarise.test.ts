import { describe, expect, it } from 'vitest';
import { answerText } from './answer.ts';
import { type Answer, flagText, type MetricFlag, type RowResults } from './comparison.ts';
import { readyMetric } from './score.ts';
import { summarise } from './summarise.ts';

describe('verdicts, quality and examples', () => {
  const rowOf = (id: string, control: RowResults['control'], scores: readonly number[], passes = 1): RowResults => ({
    id,
    title: id,
    method: control ? undefined : id,
    control,
    layer: undefined,
    baseline: 'zero',
    parameters: {},
    results: scores.map((score) => ({
      scores: { insertion: { score }, deletion: { score: -score } },
      failures: {},
      cost: { forward: passes, backward: 0, seconds: passes },
      sum: 0,
      absolute: false,
      notes: [],
    })),
  });
  const metrics = [readyMetric({ name: 'insertion' }), readyMetric({ name: 'deletion' })];
  const of = (rows: readonly RowResults[]) => {
    const sources = rows[0].results.map((_, i) => `input ${i}`);
    return summarise({ metrics, rows, sources, seed: 0, exampleMetric: 'deletion' });
  };

  const wrong = [rowOf('random', 'random', [0.3, 0.2, 0.3]), rowOf('inverted', 'inverted', [0.1, 0.1, 0])];
  const agreed = rowOf('consensus', 'consensus', [0.7, 0.6, 0.6]);

  it('trust a metric that puts what the methods agree on above the wrong controls', () => {
    const { verdicts, rows, agreement } = of([
      rowOf('good', undefined, [0.9, 0.8, 0.7], 4),
      rowOf('fair', undefined, [0.6, 0.5, 0.5], 2),
      rowOf('slow', undefined, [0.6, 0.5, 0.4], 9),
      agreed,
      ...wrong,
    ]);
    expect(verdicts.map(({ sound }) => sound)).toEqual([true, true]);
    expect(rows.map(({ quality }) => quality)).toEqual([1, 0.5, 0, undefined, undefined, undefined]);
    expect(rows.map(({ onFront }) => onFront)).toEqual([true, true, false, false, false, false]);
    // Lower deletion is better: −.9 on input 0.
    expect([rows[0].best, rows[0].worst]).toEqual([0, 2]);
    expect(agreement).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it('blame a method that is below a control, and not the metric', () => {
    const { verdicts, notes } = of([
      rowOf('good', undefined, [0.9, 0.8, 0.7]),
      rowOf('bad', undefined, [0.1, 0.05, 0.1]),
      // −.1, +.3, −.1 against random: its interval holds 0.
      rowOf('close', undefined, [0.2, 0.5, 0.2]),
      agreed,
      ...wrong,
    ]);
    expect(verdicts[0]).toEqual({
      metric: 'insertion',
      judgedBy: 'consensus',
      sound: true,
      flags: [],
      indistinguishable: [
        { row: 'close', control: 'random' },
        { row: 'bad', control: 'inverted' },
      ],
      below: [{ row: 'bad', control: 'random' }],
    });
    expect(notes).toEqual([
      'only 3 independent inputs: intervals of so few are too narrow, and verdicts on metrics preliminary',
    ]);
  });

  it('strike out a metric that puts a wrong control above the consensus, or cannot tell them apart', () => {
    const rows = (consensus: readonly number[]) => [
      rowOf('good', undefined, [0.9, 0.8, 0.7]),
      rowOf('consensus', 'consensus', consensus),
      ...wrong,
    ];
    const { verdicts, notes, answer } = of(rows([0.2, 0.1, 0.2]));
    expect(verdicts[0]).toMatchObject({
      sound: false,
      flags: [{ why: 'consensus not above', control: 'random', withinChance: false }],
    });
    expect(notes[1]).toMatch(/^no metric can tell/);
    expect(answer).toBeUndefined();
    // −.1, +.2, −.1 against random.
    const near = of(rows([0.2, 0.4, 0.2])).verdicts[0];
    expect(near.flags).toEqual([{ why: 'consensus not above', control: 'random', withinChance: true }]);
    const names: Record<string, string> = { random: 'random (control)' };
    const text = (flag: MetricFlag) => flagText(flag, (id) => names[id]);
    expect(text(verdicts[0].flags[0])).toBe('random (control) above what the methods agree on');
    expect(text(near.flags[0])).toBe('what the methods agree on cannot be told from random (control)');
    expect(text({ why: 'no method above', control: 'random' })).toBe('no method above random (control)');
    expect(text({ why: 'no control' })).toBe('no control could be scored');
  });

  it('need a method above noise where there is no consensus to score', () => {
    const good = rowOf('good', undefined, [0.9, 0.8, 0.7]);
    expect(of([good, ...wrong]).verdicts[0]).toMatchObject({ sound: true, flags: [] });
    expect(of([rowOf('none', undefined, [0.3, 0.2, 0.3]), ...wrong]).verdicts[0].flags).toEqual([
      { why: 'no method above', control: 'random' },
    ]);
    expect(of([good]).verdicts[0].flags).toEqual([{ why: 'no control' }]);
  });

  it('answer with the best method, how sure that is, and what would do for less', () => {
    const rows = (second: readonly number[]) => [
      rowOf('best', undefined, [0.9, 0.8, 0.7, 0.8], 100),
      rowOf('second', undefined, second, 2),
      rowOf('last', undefined, [0.4, 0.4, 0.4, 0.4], 1),
      rowOf('consensus', 'consensus', [0.7, 0.6, 0.6, 0.6]),
      rowOf('random', 'random', [0.3, 0.2, 0.3, 0.2]),
      rowOf('inverted', 'inverted', [0.1, 0.1, 0, 0]),
    ];
    // Worse on every input: first in every resample.
    const sure = of(rows([0.6, 0.5, 0.5, 0.6])).answer;
    expect(sure).toMatchObject({
      best: 'best',
      metrics: ['insertion', 'deletion'],
      rival: undefined,
      cheaper: undefined,
    });
    expect(sure?.first).toBeCloseTo(1, 9);
    expect(answerText(sure, 4, (id) => id.toUpperCase())).toBe(
      'Use BEST: best by 2 metrics that are sound here, first in 100 % of 1,000 resampled sets of the 4 independent inputs.',
    );
    // Better on two of four, by less: it wins where these two are drawn often, and costs a fiftieth.
    const unsure = of(rows([0.95, 0.4, 0.75, 0.7])).answer;
    expect(unsure).toMatchObject({ best: 'best', rival: { row: 'second' }, cheaper: 'second' });
    const { first = 0, rival } = unsure as Answer;
    expect(first + (rival?.first ?? 0)).toBeCloseTo(1, 9);
    expect(first).toBeGreaterThan(0.6);
    expect(first).toBeLessThan(0.95);
    expect(answerText(unsure, 4, (id) => id)).toMatch(
      /^Probably best: .*; second in \d+ %\. second cannot be told from it, for less than half of the passes\.$/,
    );
    expect(answerText(undefined, 4, (id) => id)).toMatch(/^No method can be recommended/);
  });

  it('count inputs of one source once', () => {
    const rows = [
      rowOf('good', undefined, [0.9, 0.8, 0.7, 0.9]),
      rowOf('random', 'random', [0.4, 0.3, 0.4, 0.3]),
      rowOf('inverted', 'inverted', [0, 0, 0, 0]),
    ];
    const sound = (sources: readonly string[]) =>
      summarise({ metrics, rows, sources, seed: 0, exampleMetric: 'deletion' });
    const apart = sound(['a', 'b', 'c', 'd']).rows[0].scores.insertion;
    const together = sound(['a', 'a', 'b', 'b']).rows[0].scores.insertion;
    // Means of the two sources are .85 and .8: no resample leaves their range.
    expect(together.low).toBeCloseTo(0.8, 12);
    expect(together.high).toBeCloseTo(0.85, 12);
    expect(apart.low).toBeLessThan(0.8);
    expect(sound(['a', 'a', 'a', 'a']).notes[0]).toMatch(/one independent input/);
  });
});
