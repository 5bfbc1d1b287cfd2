import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

/** Values of the graph for some rows: name → tensor, the rows along its first axis. */
export type Values = ReadonlyMap<string, Tensor<'float32'>>;

const parts = namedMemo<Graph, Graph>();

/** The part of a model's graph between some of its values. One question has one graph, so its session is kept. */
export function partOf({ model }: LanguageModel, given: readonly string[], wanted: readonly string[]): Graph {
  return parts(model.graph, JSON.stringify([given, wanted]), () => {
    const inputs = given.map((name) => ({ name, type: 'float32', shape: undefined }) as const);
    const part = extractSubgraph(model.graph, { inputs, outputs: wanted });
    const builder = new GraphBuilder({ ...part, outputs: [], values: new Map() });
    for (const name of wanted) builder.output(name, 'float32');
    return builder.build();
  });
}

/** Feeds of a part for values that are given: masks and positions are those of texts of this length without padding. */
function feedsFor(language: LanguageModel, graph: Graph, given: Values, length: number): Map<string, Tensor> {
  const rows = [...given.values()][0].shape[0];
  const text = new Array<number>(length).fill(0);
  const all = new Map<string, Tensor>([...feedsOf(language, new Array(rows).fill(text)), ...given]);
  return new Map(graph.inputs.flatMap(({ name }) => (all.has(name) ? [[name, all.get(name) as Tensor]] : [])));
}

interface Between {
  /** Tokens of each row. */
  readonly length: number;
  readonly signal?: AbortSignal;
}

/** Values that follow from others, computed by the part of the graph that lies between. */
export async function valuesFrom(
  language: LanguageModel,
  given: Values,
  wanted: readonly string[],
  { length, signal }: Between,
): Promise<Values> {
  const names = [...new Set(wanted)];
  if (names.length === 0) return new Map();
  const graph = partOf(language, [...given.keys()], names);
  const results = await language.model.executor.run(graph, feedsFor(language, graph, given, length), names, { signal });
  return results as Values;
}

/** Gradients of `Σ ⟨seed, value⟩` with respect to given values or to values between. */
export async function gradientsFrom(
  language: LanguageModel,
  given: Values,
  { seeds, wrt }: { readonly seeds: Values; readonly wrt: readonly string[] },
  { length, signal }: Between,
): Promise<Values> {
  const graph = partOf(language, [...given.keys()], [...seeds.keys()]);
  const inputs = feedsFor(language, graph, given, length);
  const { gradients } = await gradientsOf({ ...language.model, graph }, { inputs, seeds, wrt, signal });
  return gradients;
}

/** Every row several times in a row: 0, 0, 1, 1, … */
export function repeated({ shape, data }: Tensor<'float32'>, times: number): Tensor<'float32'> {
  const size = data.length / shape[0];
  const all = new Float32Array(data.length * times);
  for (let r = 0; r < shape[0]; r++) {
    const row = data.subarray(r * size, (r + 1) * size);
    for (let k = 0; k < times; k++) all.set(row, (r * times + k) * size);
  }
  return float32([shape[0] * times, ...shape.slice(1)], all);
}

/** Row r·heads + h holds head h of row r alone, zeros elsewhere; heads lie along axis 1. */
export function headsAlone(values: Tensor<'float32'>): Tensor<'float32'> {
  const { shape, data } = values;
  const [rows, heads] = shape;
  const size = data.length / rows / heads;
  const all = new Float32Array(data.length * heads);
  for (let r = 0; r < rows; r++) {
    for (let h = 0; h < heads; h++) {
      const from = (r * heads + h) * size;
      all.set(data.subarray(from, from + size), (r * heads + h) * heads * size + h * size);
    }
  }
  return float32([rows * heads, ...shape.slice(1)], all);
}
