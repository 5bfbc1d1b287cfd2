import { describe, expect, it } from 'vitest';
import { readYaml } from './yaml.ts';

const refusal = (text: string) => () => readYaml(text, 'a.yaml');

describe('readYaml', () => {
  it('reads plain values and knows their lines', () => {
    const { value, lineOf } = readYaml('a:\n  b: [1, x]\n  1: true\nc:\n  - d: 2\n', 'a.yaml');
    expect(value).toEqual({ a: { b: [1, 'x'], 1: true }, c: [{ d: 2 }] });
    expect([lineOf(['a']), lineOf(['a', 'b', 1]), lineOf(['c', 0, 'd']), lineOf(['c', 0, 'missing'])]).toEqual([
      1, 2, 5, 5,
    ]);
    expect(lineOf(['nothing'])).toBe(undefined);
  });

  it('refuses what a short text can make large, or endless', () => {
    expect(refusal('a: &a [x]\nb: [*a, *a]')).toThrow(/a.yaml, line 2: an alias, \*a/);
    expect(refusal('a: &x [*x]')).toThrow(/an alias/);
    expect(refusal('a: *nope')).toThrow(/a.yaml, line 1: (an alias|not YAML)/);
    expect(refusal(`a: ${'['.repeat(60)}${']'.repeat(60)}`)).toThrow(/nested too deep/);
    expect(refusal(`a: ${'['.repeat(100_000)}`)).toThrow(/a.yaml/);
  });

  it('refuses names that cannot be told apart, from each other or from those of every object', () => {
    expect(refusal('a: 1\nb: 2\na: 3')).toThrow(/a.yaml, line 3: the key "a" occurs twice/);
    expect(refusal('in:\n  __proto__: 1')).toThrow(/a.yaml, line 2: a key called "__proto__"/);
    expect(refusal('? [a]\n: 1')).toThrow(/a key that is no text/);
  });
});
