import { finalNode } from '../../attribution/targets/scale.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { WhereforeError } from '../../errors.ts';
import { type ClassReading, classReading, probabilitiesOf } from '../../explain/class-reading.ts';
import { preprocessingOf } from '../../explain/preprocessing-of.ts';
import { lastFeatures } from '../../influence/represent.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { checkClassNames } from './check-rows.ts';
import { floatOutput } from './float-output.ts';

/** How a model's output becomes probabilities of classes, and where it holds what it decides by. */
export interface ClassReader {
  readonly model: LoadedModel;
  readonly output: string;
  readonly layer: string | undefined;
  readonly reading: ClassReading;
  readonly read: (numbers: readonly number[]) => readonly number[];
}

/** @throws WhereforeError `invalid-argument` where the output does not tell classes apart; `unknown-name` */
export async function classReader(
  model: LoadedModel,
  inputs: Tensors,
  classes: readonly string[],
  options: { readonly output?: string; readonly layer?: string },
): Promise<ClassReader> {
  const { name: output, count } = await floatOutput(model, inputs, options.output);
  const reading = classReading(model.graph, preprocessingOf(model, {}), output, { count, labels: classes });
  if (!reading)
    throw new WhereforeError('invalid-argument', `output "${output}" does not tell classes apart`, {
      got: `${count} values`,
      fix: 'name another output, or describe it in wherefore.yaml',
    });
  return {
    model,
    output,
    layer: options.layer ?? lastFeatures(model.graph, output),
    reading,
    read: (numbers) => probabilitiesOf(numbers, reading),
  };
}

/** The value whose softmax (of one number: whose sigmoid) are the probabilities; undefined where there is none. */
export function scoresValue({ model, output, reading }: ClassReader): string | undefined {
  if (reading.binary) {
    if (reading.scale === 'sigmoid') return finalNode(model.graph, output)?.inputs[0];
    return reading.scale === 'probabilities' ? undefined : output;
  }
  if (reading.scale === 'scores' || reading.scale === 'log-softmax') return output;
  if (reading.scale === 'softmax') return finalNode(model.graph, output)?.inputs[0];
  return undefined;
}

/**
 * Names of the classes: of the data, else of the model; where neither has as many as are told apart, their numbers.
 * @throws WhereforeError `invalid-data` where the model knows none of the data's
 */
export async function classNames(
  { classes, name }: Pick<Dataset, 'classes' | 'name'>,
  model: LoadedModel | undefined,
  inputs: Tensors,
  options: { readonly output?: string; readonly columns?: number },
): Promise<readonly string[]> {
  const counted = options.columns ?? (model && (await floatOutput(model, inputs, options.output)).count);
  checkClassNames(name, classes, model?.labels);
  const names = classes ?? model?.labels;
  // One number tells two classes apart.
  const count = counted === 1 ? 2 : (counted ?? names?.length ?? 0);
  return names && (counted === undefined || names.length === count || classes)
    ? names
    : Array.from({ length: count }, (_, k) => String(k));
}
