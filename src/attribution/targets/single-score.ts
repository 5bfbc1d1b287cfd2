import { WhereforeError } from '../../errors.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import { finalNode, type Scale, type StatedScale } from './scale.ts';
import { flatElement, type Source, withBatch } from './target-source.ts';

/** A class of an output. */
export interface OfClass {
  readonly class: number;
  /** See `Target`: the output is one number that tells two classes apart. */
  readonly binary?: boolean;
  readonly scale?: StatedScale;
}

/** Whether the output is one number for each input. */
export function isSingle({ shape }: Pick<Source, 'shape'>): boolean {
  return sizeOf(shape) === 1;
}

/** What of a class is built into the graph: the side of an output of one number, how its numbers are read. */
export function builtIn({ class: index, binary, scale }: OfClass): string {
  return `${binary === true && index === 0},${scale}`;
}

/** The number's own logit z and, where the model gives one, its probability p; [batch] each. */
interface Single {
  readonly logit?: string;
  readonly probability?: string;
}

type Measure = 'logit' | 'probability' | 'log-probability' | 'log-odds';

/**
 * What an output of one number says of two classes: with `p = sigmoid(z)`, class 1 has the probability p and the logit
 * z, class 0 has 1 − p and −z. A softmax over one number would be 1 whatever the input.
 * @throws WhereforeError `out-of-range` for another class; `invalid-argument` for class 0 where nothing says that the
 *   number tells two classes apart
 */
export function singleScore(source: Source, scale: Scale, measure: Measure, { class: index, binary }: OfClass): string {
  const { builder, output, notes } = source;
  if (index !== 0 && index !== 1) throw outOfRange(output, index);
  if (scale === 'softmax' || scale === 'log-softmax') {
    throw new WhereforeError('unsupported-model', `output "${output}" is a softmax over one number: always 1`, {
      fix: 'export the model without it; the probability of one number is its sigmoid',
    });
  }
  // The output itself, as a value of a regression, is its only element.
  const isElement = index === 0 && !binary;
  if (isElement && measure !== 'logit' && scale === 'scores') throw ambiguous(output);
  const single = singleOf(source, scale);
  const negative = index === 0 && !isElement;
  if (scale === 'scores' && measure !== 'logit') {
    notes.push('the model gives one number; the probability of class 1 is its sigmoid');
  }
  const logit = (sign: boolean) => signed(source, logitOf(source, single), sign);
  switch (measure) {
    case 'logit':
      if (single.logit === undefined) {
        notes.push('the model computes no logit: explained is the probability itself');
        return probabilityOf(source, single, negative);
      }
      return logit(negative);
    case 'probability':
      return probabilityOf(source, single, negative);
    case 'log-probability':
      if (single.logit === undefined) return builder.op('Log', [probabilityOf(source, single, negative)]);
      return builder.op('Neg', [builder.op('Softplus', [logit(!negative)])]);
    case 'log-odds':
      return logit(negative);
  }
}

function singleOf(source: Source, scale: Scale): Single {
  const own = flatElement(source, source.scores, 0);
  if (scale === 'scores' || scale === 'independent') return { logit: own };
  if (scale === 'probabilities') return { probability: own };
  const [inner] = finalNode(source.graph, source.output)?.inputs ?? [];
  return { logit: flatElement(source, withBatch(source, inner).rows, 0), probability: own };
}

function logitOf({ builder }: Source, { logit, probability }: Single): string {
  if (logit !== undefined) return logit;
  const p = probability as string;
  return builder.op('Sub', [builder.op('Log', [p]), builder.op('Log', [builder.op('Sub', [builder.scalar(1), p])])]);
}

function probabilityOf(source: Source, { logit, probability }: Single, negative: boolean): string {
  const { builder } = source;
  if (logit !== undefined && (negative || probability === undefined)) {
    return builder.op('Sigmoid', [signed(source, logit, negative)]);
  }
  const p = probability as string;
  return negative ? builder.op('Sub', [builder.scalar(1), p]) : p;
}

function signed({ builder }: Source, value: string, negative: boolean): string {
  return negative ? builder.op('Neg', [value]) : value;
}

function outOfRange(output: string, index: number): WhereforeError {
  return new WhereforeError('out-of-range', `class ${index} of output "${output}", which is one number`, {
    got: String(index),
    expected:
      '1, the class that the number stands for (its probability is the sigmoid of the number), or 0, the other one',
  });
}

function ambiguous(output: string): WhereforeError {
  return new WhereforeError(
    'invalid-argument',
    `output "${output}" is one number, and nothing says that it tells two classes apart`,
    {
      got: 'class 0',
      expected: 'class 1, whose probability is the sigmoid of the number',
      fix: 'name class 1; or write task: classification or two labels in wherefore.yaml, then class 0 is 1 − sigmoid',
    },
  );
}
