import { describe, expect, it } from 'vitest';
import { applyDecisions, type Decision, formatDecisions, parseDecisions, settledDecisions } from './decisions.ts';

const when = '2026-01-01T00:00:00Z';
const made: Decision[] = [
  { id: 'a', action: 'drop', when },
  { id: 'b', action: 'relabel', label: 'cat', when, who: 'ann', why: 'whiskers' },
  { id: 'a', action: 'undo', when },
  { id: 'c', action: 'keep', when },
  { id: 'c', action: 'drop', when },
];

describe('decisions', () => {
  it('are lines that read back the same', () => {
    expect(parseDecisions(formatDecisions(made))).toEqual(made);
  });

  it('count until they are undone, the last of a row first', () => {
    const settled = settledDecisions(made);
    expect([...settled].map(([id, { action }]) => [id, action])).toEqual([
      ['b', 'relabel'],
      ['c', 'drop'],
    ]);
    expect(settledDecisions([...made, { id: 'c', action: 'undo', when }]).get('c')?.action).toBe('keep');
    expect(settledDecisions([{ id: 'x', action: 'undo', when }]).size).toBe(0);
  });

  it('change labels and leave rows out', () => {
    const done = applyDecisions(made, ['a', 'b', 'c'], Int32Array.of(0, 0, 1), ['dog', 'cat']);
    expect([[...(done.labels ?? [])], [...done.kept], done.relabelled, done.dropped]).toEqual([
      [0, 1, 1],
      [1, 1, 0],
      1,
      1,
    ]);
    expect(() => applyDecisions(made, ['a', 'b'], Int32Array.of(0, 0), ['dog', 'cat'])).toThrow(/got c/);
    expect(() => applyDecisions(made, ['a', 'b', 'c'], Int32Array.of(0, 0, 1), ['dog'])).toThrow(/class/);
  });

  it.each(['{', '[]', '{"id":"a","action":"burn","when":"x"}', '{"id":"a","action":"relabel","when":"x"}'])(
    'refuse the line %s with its number',
    (line) => {
      expect(() => parseDecisions(`\n${line}\n`, 'd.jsonl')).toThrow(/d\.jsonl:2/);
    },
  );
});
