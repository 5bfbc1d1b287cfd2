import type { Box } from '../attribution/detector-grid.ts';
import { parseExpression } from '../attribution/targets/expression.ts';
import { regionOf } from '../attribution/targets/region.ts';
import type { Target } from '../attribution/targets/target.ts';
import { WhereforeError } from '../errors.ts';
import { detectionTarget } from '../explain/found-detections.ts';
import type { TargetChoice } from '../explain/request.ts';
import { nearest, unknownName } from '../nearest.ts';

const forms = [
  'CLASS or "label"',
  'logit:CLASS',
  'probability:CLASS',
  'log-probability:CLASS',
  'log-odds:CLASS or log-odds:A,B',
  'difference:A,B',
  'token:ID or token:POSITION,ID',
  'detection:CLASS, detection:CLASS#2 (the second one), detection:box(LEFT,TOP,RIGHT,BOTTOM) or detection:ANCHOR,CLASS',
  'box:ANCHOR,COORDINATE',
  'region:CLASS or region:CLASS,TOP,LEFT,BOTTOM,RIGHT',
  'similar:INPUT',
  'OUTPUT[i,j,…] or a formula such as logits[3] - max(logits[5], logits[7])',
].join(', ');

type Parse = (
  classOf: (text: string) => number,
  rest: readonly string[],
  labels: readonly string[] | undefined,
) => TargetChoice;

const kinds: Readonly<Record<string, { readonly count: number; readonly least?: number; readonly parse: Parse }>> = {
  class: { count: 1, parse: (classOf, [a]) => ({ kind: 'classLogit', class: classOf(a) }) },
  logit: { count: 1, parse: (classOf, [a]) => ({ kind: 'classLogit', class: classOf(a) }) },
  probability: { count: 1, parse: (classOf, [a]) => ({ kind: 'classProbability', class: classOf(a) }) },
  'log-probability': { count: 1, parse: (classOf, [a]) => ({ kind: 'classLogProbability', class: classOf(a) }) },
  'log-odds': {
    count: 2,
    least: 1,
    parse: (classOf, [a, b]) => ({
      kind: 'classLogOdds',
      class: classOf(a),
      ...(b !== undefined && { against: classOf(b) }),
    }),
  },
  difference: { count: 2, parse: (classOf, [a, b]) => ({ kind: 'logitDifference', a: classOf(a), b: classOf(b) }) },
  token: {
    count: 2,
    least: 1,
    parse: (_, parts) => {
      const [position, id] = parts.length === 1 ? ['-1', ...parts] : parts;
      return { kind: 'tokenLogProbability', position: integer(position), id: integer(id) };
    },
  },
  detection: {
    count: 2,
    least: 1,
    parse: (classOf, parts, labels) =>
      parts.length === 1
        ? detected(parts[0], classOf, labels)
        : { kind: 'detectionScore', anchor: integer(parts[0]), class: classOf(parts[1]) },
  },
  region: {
    count: 5,
    least: 1,
    parse: (classOf, [name, ...corners]) => region(classOf(name), corners.map(integer)),
  },
  box: {
    count: 2,
    parse: (_, [anchor, coordinate]) => ({
      kind: 'boxCoordinate',
      anchor: integer(anchor),
      coordinate: integer(coordinate),
    }),
  },
};

function integer(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text.trim()) || !Number.isSafeInteger(value)) {
    throw new WhereforeError('invalid-argument', '--target', { got: text, expected: 'a whole number' });
  }
  return value;
}

/** A rectangle of a segmentation's grid, or all positions that the model gives to a class. */
function region(wanted: number, corners: readonly number[]): TargetChoice {
  return (input, { segmentation, summary }) => {
    if (!segmentation) {
      throw new WhereforeError('invalid-argument', 'a region needs a model that gives scores place by place', {
        where: input.source,
        got: `output "${summary.output}"`,
        expected: 'batch × classes × rows × columns',
      });
    }
    const { size, classes } = segmentation;
    const [top, left, bottom, right] = corners;
    if (
      corners.length &&
      !(0 <= top && top < bottom && bottom <= size[0] && 0 <= left && left < right && right <= size[1])
    ) {
      throw new WhereforeError('out-of-range', '--target region: the rectangle', {
        where: input.source,
        got: `rows ${top} to ${bottom}, columns ${left} to ${right}`,
        expected: `TOP < BOTTOM within 0 to ${size[0]}, LEFT < RIGHT within 0 to ${size[1]}`,
      });
    }
    const inside = (row: number, column: number) =>
      corners.length
        ? row >= top && row < bottom && column >= left && column < right
        : classes[row * size[1] + column] === wanted;
    return { kind: 'region', output: summary.output, class: wanted, region: regionOf(size, inside), reduce: 'mean' };
  };
}

/**
 * An object that the detector found: `cat`, the second `cat#2`, or the one at a place of the image, `box(12,40,200,310)`.
 */
function detected(
  text: string,
  classOf: (text: string) => number,
  labels: readonly string[] | undefined,
): TargetChoice {
  const corners = /^box\(([^()]*)\)$/.exec(text)?.[1].split(',').map(Number);
  const [, name = text, rank = '1'] = /^(.+)#([1-9]\d*)$/.exec(text) ?? [];
  const choice = corners ? { box: boxOf(text, corners) } : { class: classOf(name.trim()), rank: Number(rank) };
  return (input, prediction) => detectionTarget(choice, input, prediction, labels);
}

function boxOf(text: string, corners: readonly number[]): Box {
  const [left, top, right, bottom] = corners;
  if (corners.length === 4 && corners.every(Number.isFinite) && left < right && top < bottom) {
    return [left, top, right, bottom];
  }
  throw new WhereforeError('invalid-argument', `--target detection:${text}`, {
    expected: 'box(LEFT,TOP,RIGHT,BOTTOM) in pixels of the image, LEFT < RIGHT and TOP < BOTTOM',
  });
}

/**
 * Reads a target as a person writes it: `281`, `tabby`, `probability:281`, `difference:281,282`, `token:-1,403`,
 * `logits[3]`, `region:15`, `logits[3] - max(logits[5], logits[7])`.
 * @throws WhereforeError `invalid-argument`, `unknown-name` for a label that the model lacks
 */
export function parseTarget(text: string, labels: readonly string[] | undefined): TargetChoice {
  // Names of outputs may hold what a formula means by something else ("a/b:0"), but no spaces and brackets.
  const element = /^([^\s()[\]]+)\[([-\d,\s]*)\]$/.exec(text);
  if (element) {
    const index = element[2].trim() === '' ? [] : element[2].split(',').map(integer);
    return { kind: 'output', output: element[1], index };
  }
  if (isFormula(text) && !labels?.includes(text)) {
    parseExpression(text);
    return { kind: 'expression', text };
  }
  const [, name, rest] = /^([a-z-]+):(.*)$/s.exec(text) ?? [];
  const kind = name === undefined ? undefined : kinds[name];
  if (name !== undefined && !kind && !labels?.includes(text)) {
    const guess = nearest(name, [...Object.keys(kinds), 'similar']);
    throw new WhereforeError('invalid-argument', `--target ${text}: there is no such kind of target`, {
      guess: guess && `${guess}:${rest}`,
      expected: forms,
    });
  }
  const { count, least = count, parse } = kind ?? kinds.class;
  const parts = (kind ? rest : text).split(',');
  // The commas of a box separate its corners.
  const isBox = name === 'detection' && rest.startsWith('box(');
  const readings = isBox ? [[rest]] : kind ? readingsOf(parts, least, count) : [[text]];
  let problem: unknown;
  for (const reading of readings) {
    if (reading.some((part) => part === '')) continue;
    try {
      return parse((label) => classNamed(label, labels), reading, labels);
    } catch (error) {
      problem ??= error;
    }
  }
  throw problem ?? new WhereforeError('invalid-argument', '--target', { got: text, expected: forms });
}

type Write<K extends Target['kind']> = (
  target: Extract<Target, { kind: K }>,
  className: (index: number) => string,
) => string | undefined;

const writers: { readonly [K in Target['kind']]: Write<K> } = {
  classLogit: (target, className) => className(target.class),
  classProbability: (target, className) => `probability:${className(target.class)}`,
  classLogProbability: (target, className) => `log-probability:${className(target.class)}`,
  classLogOdds: ({ class: index, against }, className) =>
    `log-odds:${className(index)}${against === undefined ? '' : `,${className(against)}`}`,
  logitDifference: ({ a, b }, className) => `difference:${className(a)},${className(b)}`,
  tokenLogProbability: ({ position, id }) => `token:${position},${id}`,
  detectionScore: (target, className) => `detection:${target.anchor},${className(target.class)}`,
  boxCoordinate: ({ anchor, coordinate }) => `box:${anchor},${coordinate}`,
  output: ({ output, index }) => output && `${output}[${index.join(',')}]`,
  expression: ({ text }) => text,
  region: () => undefined,
  similarity: () => undefined,
};

/**
 * A target as {@link parseTarget} reads it again, classes by their labels where that is plain.
 * @throws WhereforeError `invalid-argument` for a target that a few words do not hold: a region, an embedding
 */
export function targetText(target: Target, labels: readonly string[] | undefined): string {
  const className = (index: number) => {
    const label = labels?.[index];
    const isPlain = label && !/[,:()[\]]|^-?\d+$/.test(label) && labels.indexOf(label) === index;
    return isPlain ? label : String(index);
  };
  const text = (writers[target.kind] as Write<Target['kind']>)(target as never, className);
  if (text !== undefined) return text;
  throw new WhereforeError('invalid-argument', 'the target cannot be written as --target', {
    got: target.kind,
    expected: forms,
  });
}

/** A label may contain commas itself: every way to read the parts as `least` to `count` values, the plainest first. */
function readingsOf(parts: readonly string[], least: number, count: number): string[][] {
  const join = (from: number, to?: number) => parts.slice(from, to).join(',').trim();
  const two = parts.slice(1).map((_, i) => [join(0, i + 1), join(i + 1)]);
  const numbers = parts.length - count + 1;
  const many = count > 2 && numbers >= 1 ? [[join(0, numbers), ...parts.slice(numbers)]] : [];
  return [...(count === 2 ? two : many), ...(least === 1 ? [[join(0)]] : [])];
}

/** Whether a text holds an element of an output and something to be done with it. */
function isFormula(text: string): boolean {
  return (
    /\[[^\]]*\]/.test(text) && (/[-+*/(]/.test(text.replaceAll(/\[[^\]]*\]|"[^"]*"/g, '')) || /\[[^\]]*:/.test(text))
  );
}

function classNamed(text: string, labels: readonly string[] | undefined): number {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^-\d+$/.test(text))
    throw new WhereforeError('out-of-range', '--target: a class', {
      got: text,
      expected: 'a number from 0 up, or a label',
    });
  const exact = labels?.indexOf(text) ?? -1;
  if (exact >= 0) return exact;
  const containing = (labels ?? []).flatMap((label, i) =>
    label
      .toLowerCase()
      .split(/[,\s]+/)
      .includes(text.toLowerCase())
      ? [i]
      : [],
  );
  if (containing.length === 1) return containing[0];
  if (!labels) {
    throw new WhereforeError('unknown-name', `there is no class "${text}"`, {
      got: 'a model without labels',
      fix: 'give the class number, or name the labels in wherefore.yaml',
    });
  }
  throw unknownName('there is no class', text, labels, {
    ...(containing.length > 1 && { got: `${containing.length} labels with that word`, guess: undefined }),
    fix: 'name one of the labels, or give the class number',
  });
}
