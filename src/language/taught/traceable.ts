import { GraphBuilder } from '../../onnx/builder.ts';
import { type Graph, type Initializer, namesRead } from '../../onnx/graph.ts';
import { extractSubgraph, prune } from '../../onnx/lowering/extract.ts';
import { memo } from '../../tensor/memo.ts';
import type { LanguageModel } from '../model/language-model.ts';

/** A model as gradients of single rows need it: its mask is open, and its weights are weights. */
export const traceable = memo(
  async (language: LanguageModel): Promise<LanguageModel> => withRealWeights(withOpenMask(language)),
);

/**
 * With a mask that is open for every token, made of the number of tokens: what fills a row lies behind its text, where a
 * decoder never looks. Exports pick the mask's elements by row and token in ways in which the rows of a batch cannot be
 * told apart; a mask that is the same for every row need not be.
 */
function withOpenMask(language: LanguageModel): LanguageModel {
  const { model, roles } = language;
  if (roles.mask === undefined) return language;
  const { graph } = model;
  const inputs = graph.inputs.filter(({ name }) => name !== roles.mask);
  const builder = new GraphBuilder({ ...graph, inputs, nodes: [] }, { prefix: 'open-mask/' });
  const type = graph.inputs.find(({ name }) => name === roles.mask)?.type === 'int32' ? 6 : 7;
  const ones = builder.op('Expand', [builder.scalar(1, 'int64'), builder.op('Shape', [roles.ids])]);
  builder.op('Cast', [ones], { to: type }, { outputs: [roles.mask] });
  for (const node of graph.nodes) builder.append(node);
  return { ...language, model: { ...model, graph: builder.build() }, roles: { ...roles, mask: undefined } };
}

/** With matrices that the file keeps in fewer bits as what the graph makes of them: weights of float32. */
async function withRealWeights(language: LanguageModel): Promise<LanguageModel> {
  const { model } = language;
  const names = madeMatrices(model.graph);
  if (names.length === 0) return language;
  const maker = extractSubgraph(model.graph, { inputs: [], outputs: names });
  const made = await model.executor.run(maker, new Map(), names);
  const initializers = new Map(model.graph.initializers);
  // Others are no weights: angles of positions, masks.
  const matrices = new Map([...made].filter(([, { shape }]) => shape.length === 2));
  for (const [name, tensor] of matrices) {
    const { type, shape } = tensor;
    initializers.set(name, { name, type, shape, location: { kind: 'memory', tensor } } satisfies Initializer);
  }
  const nodes = model.graph.nodes.filter(({ outputs }) => !outputs.some((name) => matrices.has(name)));
  return { ...language, model: { ...model, graph: prune({ ...model.graph, nodes, initializers }) } };
}

/** Matrices that products read, made of nothing but constants. */
function madeMatrices({ inputs, nodes, initializers }: Graph): string[] {
  const given = new Set(inputs.map(({ name }) => name));
  const found = new Set<string>();
  for (const node of nodes) {
    if ([...namesRead(node)].some((name) => given.has(name))) for (const name of node.outputs) given.add(name);
    if (node.op !== 'MatMul' && node.op !== 'Gemm') continue;
    for (const name of node.inputs.slice(0, 2)) if (!given.has(name) && !initializers.has(name)) found.add(name);
  }
  return [...found];
}
