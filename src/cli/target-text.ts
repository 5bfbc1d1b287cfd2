import { type Target } from '../attribution/target.ts';
import { nearest } from '../data/nearest.ts';
import { WhereforeError } from '../errors.ts';

const forms = [
  'CLASS or "label"',
  'logit:CLASS',
  'probability:CLASS',
  'log-probability:CLASS',
  'difference:A,B',
  'token:POSITION,ID',
  'detection:ANCHOR,CLASS',
  'box:ANCHOR,COORDINATE',
  'OUTPUT[i,j,…]',
].join(', ');

type Parse = (classOf: (text: string) => number, rest: readonly string[]) => Target;

const kinds: Readonly<Record<string, { readonly count: number; readonly parse: Parse }>> = {
  class: { count: 1, parse: (classOf, [a]) => ({ kind: 'classLogit', class: classOf(a) }) },
  logit: { count: 1, parse: (classOf, [a]) => ({ kind: 'classLogit', class: classOf(a) }) },
  probability: { count: 1, parse: (classOf, [a]) => ({ kind: 'classProbability', class: classOf(a) }) },
  'log-probability': { count: 1, parse: (classOf, [a]) => ({ kind: 'classLogProbability', class: classOf(a) }) },
  difference: { count: 2, parse: (classOf, [a, b]) => ({ kind: 'logitDifference', a: classOf(a), b: classOf(b) }) },
  token: { count: 2, parse: (_, [position, id]) => ({ kind: 'tokenLogProbability', position: integer(position), id: integer(id) }) },
  detection: { count: 2, parse: (classOf, [anchor, name]) => ({ kind: 'detectionScore', anchor: integer(anchor), class: classOf(name) }) },
  box: { count: 2, parse: (_, [anchor, coordinate]) => ({ kind: 'boxCoordinate', anchor: integer(anchor), coordinate: integer(coordinate) }) },
};

function integer(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text.trim()) || !Number.isSafeInteger(value)) {
    throw new WhereforeError('invalid-argument', '--target', { got: text, expected: 'a whole number' });
  }
  return value;
}

/**
 * Reads a target as a person writes it: `281`, `tabby`, `probability:281`, `difference:281,282`, `token:-1,403`,
 * `logits[3]`.
 * @throws WhereforeError `invalid-argument`, `unknown-name` for a label that the model lacks
 */
export function parseTarget(text: string, labels: readonly string[] | undefined): Target {
  const element = /^(.+)\[([-\d,\s]*)\]$/.exec(text);
  if (element) {
    const index = element[2].trim() === '' ? [] : element[2].split(',').map(integer);
    return { kind: 'output', output: element[1], index };
  }
  const [, name, rest] = /^([a-z-]+):(.*)$/s.exec(text) ?? [];
  const kind = name === undefined ? undefined : kinds[name];
  if (name !== undefined && !kind && !labels?.includes(text)) {
    throw new WhereforeError('invalid-argument', '--target', { got: text, expected: forms });
  }
  const parts = kind ? rest.split(',').map((part) => part.trim()) : [text];
  const { count, parse } = kind ?? kinds.class;
  if (parts.length < count || parts.some((part) => part === '')) {
    throw new WhereforeError('invalid-argument', '--target', { got: text, expected: forms });
  }
  // A label may contain commas; only the last parts of a difference do not.
  const joined = parts.length > count ? [parts.slice(0, parts.length - count + 1).join(','), ...parts.slice(parts.length - count + 1)] : parts;
  return parse((label) => classNamed(label, labels), joined);
}

function classNamed(text: string, labels: readonly string[] | undefined): number {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^-\d+$/.test(text)) throw new WhereforeError('out-of-range', '--target: a class', { got: text, expected: 'a number from 0 up, or a label' });
  const exact = labels?.indexOf(text) ?? -1;
  if (exact >= 0) return exact;
  const containing = (labels ?? []).flatMap((label, i) => (label.toLowerCase().split(/[,\s]+/).includes(text.toLowerCase()) ? [i] : []));
  if (containing.length === 1) return containing[0];
  const guess = labels && nearest(text, labels);
  throw new WhereforeError('unknown-name', `there is no class "${text}"`, {
    got: labels ? (containing.length ? `${containing.length} labels with that word` : undefined) : 'a model without labels',
    fix: labels ? (guess ? `did you mean "${guess}"?` : 'give the class number') : 'give the class number, or name the labels in wherefore.yaml',
  });
}
