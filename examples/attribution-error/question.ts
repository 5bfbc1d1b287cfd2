import * as z from 'zod/mini';
import type { AttributionRequest } from '../../src/attribution/attribute.ts';
import type { Baseline, InputLayout } from '../../src/attribution/baseline.ts';
import type { Groups } from '../../src/attribution/groups.ts';
import { type MethodName, methods } from '../../src/attribution/methods/index.ts';
import type { Target } from '../../src/attribution/targets/kinds/index.ts';
import type { Model } from '../../src/runtime/model.ts';
import type { Tensors } from '../../src/runtime/runtime.ts';
import { sizeOf, type Tensor, tensor } from '../../src/tensor/tensor.ts';

/** A network with the inputs and layers for which the table is made. */
export interface Subject {
  readonly title: string;
  /** What the inputs, the baseline and the target are, in a sentence. */
  readonly description: string;
  readonly model: Model;
  /** The input that is explained. */
  readonly input: string;
  /** All that the model takes, for each question. */
  readonly inputs: readonly Tensors[];
  readonly layout: InputLayout;
  /** The class whose score is explained, for each input. */
  readonly targets: readonly Target[];
  readonly baseline: Baseline;
  /** Title → value, from the input on, with the nine groups that methods which perturb hide. */
  readonly layers: readonly Position[];
  /** Whether methods that perturb take part: they cost hundreds of passes an input. */
  readonly perturbs: boolean;
  /** How many of the inputs methods of many passes are measured on. */
  readonly costly: number;
}

/** A value of the network where attributions are computed. */
export interface Position {
  readonly title: string;
  readonly name: string;
  readonly groups: (inputs: Tensors) => Groups;
}

/** Nine tiles of a layer with space: few enough for exact Shapley values. */
export const tiles = (side: number) => (): Groups => ({ kind: 'windows', size: Math.ceil(side / 3) });

/** Nine parts of a layer that follow each other along an axis. */
export function parts(name: string, shape: readonly number[], axis: number): Groups {
  const inner = sizeOf(shape.slice(axis + 1));
  const labels = Int32Array.from({ length: sizeOf(shape) }, (_, i) =>
    Math.floor((9 * (Math.floor(i / inner) % shape[axis])) / shape[axis]),
  );
  return { kind: 'indices', tensors: new Map<string, Tensor>([[name, tensor('int32', shape, labels)]]) };
}

/** A row of the table: a method with its parameters. */
export interface Row {
  readonly title: string;
  readonly method: MethodName;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Measured on all inputs, whatever it costs. */
  readonly everywhere?: true;
}

/** Methods of more passes than this an input are measured on {@link Subject.costly} inputs. */
export const affordable = 60;

/** Passes of a row for one input at one layer, and how many of the inputs it is measured on. */
export function effort(
  { inputs, costly }: Subject,
  { method, parameters, everywhere }: Row,
): { passes: number; inputs: number } {
  const row = methods[method];
  const { forward, backward } = row.cost(z.parse(row.parameters, parameters ?? {}), {
    elements: 1,
    groups: 9,
    channels: 64,
    references: 1,
    hidesAll: true,
    spaces: [[96, 96]],
    hasSpaceless: false,
  });
  // A backward pass costs about two forward passes.
  const passes = forward + 2 * backward;
  const many = !everywhere && Math.max(forward, backward) > affordable;
  return { passes, inputs: many ? Math.min(costly, inputs.length) : inputs.length };
}

const fixed = (steps: number) => ({ steps, tolerance: 0, nodes: 'even' });

/** Rows that the page sets apart: how the error falls, or does not, as the steps grow. */
const withSteps: readonly Row[] = [
  ...[10, 50, 400].map(
    (n): Row => ({ title: `revised IG, n = ${n}`, method: 'integrated-gradients', parameters: fixed(n) }),
  ),
  {
    title: 'revised IG, n = 50, adaptive nodes',
    method: 'integrated-gradients',
    parameters: { ...fixed(50), nodes: 'adaptive' },
    everywhere: true,
  },
  {
    title: 'revised IG, n = 50, refined nodes',
    method: 'integrated-gradients',
    parameters: { ...fixed(50), nodes: 'refined' },
    everywhere: true,
  },
  {
    title: 'revised IG, n = 50, path of the input',
    method: 'integrated-gradients',
    parameters: { ...fixed(50), path: 'input' },
  },
  ...[50, 400].map(
    (n): Row => ({
      title: `IG from a zero feature, n = ${n}`,
      method: 'integrated-gradients-zero-feature',
      parameters: { steps: n },
    }),
  ),
];

/** What makes the sampled methods affordable for many inputs. */
const smaller: Partial<Record<MethodName, Readonly<Record<string, unknown>>>> = {
  'kernel-shap': { samples: 128 },
  'shapley-sampling': { pairs: 4 },
  'expected-gradients': { samples: 50 },
};

/** Every method whose values promise a sum: others have no error. */
export function rowsFor({ perturbs }: Subject): Row[] {
  const others = (Object.keys(methods) as MethodName[]).filter((method) => {
    const { meaning, needs } = methods[method];
    if (meaning.kind !== 'share' || method.startsWith('integrated-gradients')) return false;
    return perturbs || needs === 'gradient';
  });
  return [
    ...withSteps,
    ...others.map((method): Row => ({ title: methods[method].title, method, parameters: smaller[method] })),
  ];
}

/** The request of one cell; undefined where the method does not explain such a layer. */
export function requestFor(subject: Subject, row: Row, layer: Position, k: number): AttributionRequest | undefined {
  const isInput = layer.name === subject.input;
  const { layers, needs } = methods[row.method];
  const inputs = subject.inputs[k];
  if (isInput && (layers === 'spatial' || needs === 'features')) return undefined;
  if (layers === 'spatial' && !subject.layout.spatialAxes) return undefined;
  // The path of an input is the method itself at the input, and there is none between two tokens.
  if (row.parameters?.path === 'input' && (isInput || inputs.get(subject.input)?.type === 'int64')) return undefined;
  return {
    inputs,
    target: subject.targets[k],
    baseline: subject.baseline,
    explained: [subject.input],
    layer: { names: [layer.name] },
    method: row.method,
    parameters: row.parameters,
    groups: row.method === 'occlusion' ? undefined : layer.groups(inputs),
    layout: subject.layout,
  };
}
