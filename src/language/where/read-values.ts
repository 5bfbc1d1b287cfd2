import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { namedMemo } from '../../tensor/memo.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

const graphs = namedMemo<Graph, Graph>();

/** Values of the graph at a text, only those that are named; `bytes` is what was fetched. */
export async function readValues(
  language: LanguageModel,
  ids: readonly number[],
  names: readonly string[],
  signal?: AbortSignal,
): Promise<{ readonly values: ReadonlyMap<string, Tensor<'float32'>>; readonly bytes: number }> {
  const { model } = language;
  const wanted = [...new Set(names)];
  const graph = graphs(model.graph, wanted.join('\n'), () => {
    const part = extractSubgraph(model.graph, { inputs: [], outputs: wanted });
    const builder = new GraphBuilder({ ...part, outputs: [] });
    for (const name of wanted) builder.output(name, 'float32');
    return builder.build();
  });
  const results = await model.executor.run(graph, feedsOf(language, [ids]), wanted, { signal });
  let bytes = 0;
  for (const { data } of results.values()) bytes += (data as Float32Array).byteLength;
  return { values: results as ReadonlyMap<string, Tensor<'float32'>>, bytes };
}
