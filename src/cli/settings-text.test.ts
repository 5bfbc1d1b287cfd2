import { describe, expect, it } from 'vitest';
import { WhereforeError } from '../errors.ts';
import { parseSettings } from './settings-text.ts';

const read = (...texts: string[]) =>
  parseSettings(texts, [{ 'taylor-2': 0, lax: 0 }, { insertion: 0 }], 'NAME.X=VALUE');

describe('parseSettings', () => {
  it('gathers the parameters of each name, the last of one parameter', () => {
    expect(read('insertion.steps=64', 'taylor-2.seed=1', 'insertion.steps=32', 'insertion.ends=true')).toEqual({
      insertion: { steps: 32, ends: true },
      'taylor-2': { seed: 1 },
    });
  });

  it.each([
    ['-0.5e3', -500],
    ['false', false],
    ['0.1,0.5', [0.1, 0.5]],
    ['[8]', [8]],
    ['["a", 2]', ['a', 2]],
    ['a,b=1.onnx', 'a,b=1.onnx'],
  ])('%s', (text, value) => {
    expect(read(`lax.x=${text}`)).toEqual({ lax: { x: value } });
  });

  it.each(['steps=3', 'rise.samples=3', 'toString.x=1', 'lax.x=', 'lax.x=[8'])('refuses %s', (text) => {
    expect(() => read(text)).toThrow(WhereforeError);
  });
});
