import { atPositions } from '../../attribution/pruning/at-positions.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { prune } from '../../onnx/lowering/extract.ts';
import { namedMemo } from '../../tensor/memo.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type CachedGraph, withCache } from '../cache/with-cache.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

/** The graph that reads tokens behind others, and the names of what it gives. */
export interface DecoderProgram {
  readonly cached: CachedGraph;
  /** Input: which of the new tokens are looked at, int64; the others are read for what they hand on alone. */
  readonly positions: string;
  /** The logits behind these. */
  readonly logits: string;
  /** log p of the token in `next` behind each of these, `1 × positions × 1`. */
  readonly scores: string;
  readonly next: string;
}

/** From so many tokens on, a run of the whole graph to learn its shapes would need more memory than the work itself. */
export const longText = 1024;

const programs = namedMemo<LanguageModel, Promise<DecoderProgram>>();

/**
 * The graph for texts of up to `capacity` tokens, made once.
 * @param fixedSizes as in {@link withCache}
 */
export const decoderProgram = (
  language: LanguageModel,
  capacity: number,
  { fixedSizes = false } = {},
): Promise<DecoderProgram> =>
  programs(language, `${capacity} ${fixedSizes}`, () => makeProgram(language, capacity, fixedSizes));

async function makeProgram(language: LanguageModel, capacity: number, fixedSizes: boolean): Promise<DecoderProgram> {
  const { model, roles, logits } = language;
  const feeds = feedsOf(language, [new Array<number>(capacity).fill(0)]);
  const plain = withConstants(model.graph, new Map([roles.mask, roles.types].flatMap((name) => entry(feeds, name))));
  const { graph, facts } = await model.executor.specialise(plain, feeds, { frugal: true });
  const rows = new Map(
    [roles.ids, roles.positions].flatMap((name) => (name === undefined ? [] : [[name, 1] as const])),
  );
  const cached = withCache(graph, facts, { rows, outputs: [logits], fixedSizes });
  const { name, axis } = cached.outputs.get(logits) as { name: string; axis: number };
  const builder = new GraphBuilder(cached.graph, { prefix: 'decode/' });
  const positions = builder.input(builder.fresh('positions'), 'int64', ['positions']);
  const wanted = builder.op('Gather', [name, positions], { axis });
  const next = builder.input(builder.fresh('next'), 'int64', [1, 'positions', 1]);
  const scores = builder.op('GatherElements', [builder.op('LogSoftmax', [wanted], { axis: -1 }), next], { axis: -1 });
  for (const output of [wanted, scores]) builder.output(output, 'float32');
  const shapes = new Map([...cached.facts.shapes, [positions, [-1]] as const]);
  const lean = atPositions(prune(builder.build()), { ...cached.facts, shapes }, positions);
  return { cached: { ...cached, graph: lean }, positions, logits: wanted, scores, next };
}

const entry = (feeds: ReadonlyMap<string, Tensor>, name: string | undefined) =>
  name === undefined ? [] : [[name, feeds.get(name) as Tensor] as const];

/** A graph with some inputs as constants: nothing is padded here, so the mask is the same in every run. */
function withConstants(graph: Graph, constants: ReadonlyMap<string, Tensor>): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, value] of constants) {
    initializers.set(name, { name, type: value.type, shape: value.shape, location: { kind: 'memory', tensor: value } });
  }
  return { ...graph, initializers, inputs: graph.inputs.filter(({ name }) => !constants.has(name)) };
}
