import { describe, expect, it } from 'vitest';
import { evaluateProgress } from './evaluate-progress.ts';
import { explainProgress } from './explain-progress.ts';
import { type Progress, showProgress } from './progress.ts';

const screen = (isTTY: boolean) => {
  const written: string[] = [];
  return { written, isTTY, columns: 40, write: (text: string) => written.push(text) };
};

describe('the line of progress', () => {
  it('writes itself over on a terminal, no wider than it, and is cleared', () => {
    const terminal = screen(true);
    let time = 0;
    const progress = showProgress(terminal, true, () => time);
    const text = (n: number) => () => `${n} of at most 1,500 passes, about 30 s left`;
    progress.update(0.1, text(100));
    // Too soon after the last one to be worth a line.
    time = 99;
    progress.update(0.2, text(300));
    time = 100;
    progress.update(0.2, text(300));
    progress.clear();
    progress.clear();
    expect(terminal.written).toEqual([
      '\r\x1b[K100 of at most 1,500 passes, about 30 s',
      '\r\x1b[K300 of at most 1,500 passes, about 30 s',
      '\r\x1b[K',
    ]);
  });

  it('is at most ten lines where nobody watches, one at each tenth, without what a terminal obeys', () => {
    const pipe = screen(false);
    const progress = showProgress(pipe);
    for (let i = 0; i <= 1000; i++) progress.update(i / 1000, () => `\x1b${i}`);
    progress.clear();
    expect(pipe.written).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((tenth) => `\\u{1b}${100 * tenth}\n`));
  });

  it('skips tenths that are jumped over', () => {
    const pipe = screen(false);
    const progress = showProgress(pipe);
    for (const share of [0.05, 0.3, 0.35, 1]) progress.update(share, () => `${share}`);
    expect(pipe.written).toEqual(['0.3\n', '1\n']);
  });

  it.each([true, false])('is silent where it is not wanted, on a terminal: %s', (isTTY) => {
    const unwanted = screen(isTTY);
    const progress = showProgress(unwanted, false);
    progress.update(1, () => 'x');
    progress.clear();
    expect(unwanted.written).toEqual([]);
  });
});

/** Keeps what was said last. */
function listener() {
  const said = { share: 0, text: '' };
  const progress: Progress = {
    update: (share, text) => Object.assign(said, { share, text: text() }),
    clear: () => undefined,
  };
  return { said, progress };
}

describe('progress of explanations', () => {
  const passes = (forward: number) => ({ forward, backward: 0 });
  const piece = { most: passes(10), least: passes(10), speed: { forward: 1, backward: 0 } };

  it('goes on inside an explanation, with the time left by what was taken', () => {
    const { said, progress } = listener();
    let time = 0;
    const work = explainProgress(progress, { seconds: { least: 20, most: 20 } }, () => time);
    work.start({ ...piece, what: '1 of 2: a' });
    // Half of the first of two took 10 s instead of 5: 15 s at (2 + 10) / (2 + 5).
    time = 10_000;
    work.update(passes(5));
    expect(said).toEqual({ share: 0.25, text: '5 of at most 10 passes, about 26 s left (1 of 2: a)' });
    time = 40_000;
    work.update(passes(10));
    work.start({ ...piece, what: '2 of 2: b' });
    // All but the last pass: 1 s at (2 + 40) / (2 + 19).
    work.update(passes(9));
    expect(said.share).toBeCloseTo(0.95, 12);
    expect(said.text).toBe('9 of at most 10 passes, about 2 s left (2 of 2: b)');
  });

  it('gives an adaptive method a range, from the least that it may still take to the most', () => {
    const { said, progress } = listener();
    let time = 0;
    const work = explainProgress(progress, { seconds: { least: 10, most: 30 } }, () => time);
    work.start({ ...piece, most: passes(30), what: 'a' });
    // As fast as forecast: 5 to 25 s are left, 15 in the middle.
    time = 5000;
    work.update(passes(5));
    expect(said).toEqual({ share: 5 / 20, text: '5 of at most 30 passes, 5 s to 25 s left (a)' });
    // Twice as slow as forecast: 15 passes at (1 + 31) / (1 + 15).
    time = 31_000;
    work.update(passes(15));
    expect(said.text).toBe('15 of at most 30 passes, up to 30 s left (a)');
    work.update(passes(31));
    expect(said).toMatchObject({ share: 1, text: expect.stringMatching(/^31 passes/) });
  });
});

describe('progress of an evaluation', () => {
  const all = { forward: 60, backward: 0 };
  const plan = {
    inputs: 2,
    calibration: 0,
    forecast: {
      explaining: { least: all, most: all },
      scoring: { forward: 40, backward: 0 },
      seconds: { least: 100, most: 100 },
    },
  };

  it('tells passes before anything is scored, and the time left by what was taken', () => {
    const { said, progress } = listener();
    let time = 0;
    const work = evaluateProgress(progress, plan, () => time);
    work.update({ forward: 7, backward: 0 });
    expect(said).toEqual({ share: 0, text: '7 of at most 100 passes, about 2 min left' });
    time = 4000;
    work.scored({ done: 1, total: 4, reused: false });
    // Forecast 25 s an explanation, 2 an input: (2 · 25 + 4) / (2 + 1) of each of the 3 that are left.
    expect(said).toEqual({
      share: 0.25,
      text: '1 of 4 explanations, 7 of at most 100 passes, about 54 s left',
    });
    work.scored({ done: 4, total: 4, reused: false });
    expect(said).toEqual({ share: 1, text: '4 of 4 explanations, 7 of at most 100 passes' });
  });

  it('says nothing of explanations that are kept from before', () => {
    const { said, progress } = listener();
    const work = evaluateProgress(progress, plan, () => 0);
    work.scored({ done: 1, total: 4, reused: true });
    expect(said.text).toBe('');
    work.scored({ done: 2, total: 4, reused: false });
    expect(said.text).toMatch(/^2 of 4/);
  });
});
