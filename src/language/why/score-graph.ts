import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { memo, namedMemo } from '../../tensor/memo.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

/** What is summed over the tokens of an answer: log p, or the logits themselves. */
type ScoreKind = 'log-probability' | 'logit';

/**
 * The graph from token vectors to the summed scores of given tokens, one number a row: input `why/next` has the token
 * behind each position, `why/weights` how much its score counts.
 */
export const scoreGraph = (language: LanguageModel, kind: ScoreKind): Graph =>
  scoreGraphs(language, kind, () => makeScoreGraph(language, kind, ({ logits }) => logits));

/** The same of the positions alone that input `why/positions` lists: `why/next` and `why/weights` are of these. */
export const answerGraph = (language: LanguageModel, kind: ScoreKind): Graph =>
  scoreGraphs(language, `${kind} at positions`, () =>
    makeScoreGraph(language, kind, ({ logits }, builder) =>
      builder.op('Gather', [logits, builder.input('why/positions', 'int64', ['positions'])], { axis: 1 }),
    ),
  );

const scoreGraphs = namedMemo<LanguageModel, Graph>();

function makeScoreGraph(
  language: LanguageModel,
  kind: ScoreKind,
  logitsOf: (language: LanguageModel, builder: GraphBuilder) => string,
): Graph {
  const { model, roles } = language;
  const builder = new GraphBuilder({ ...model.graph, outputs: [] }, { prefix: 'why/' });
  const logits = logitsOf(language, builder);
  const next = builder.input('why/next', 'int64', ['batch', 'scored', 1]);
  const weights = builder.input('why/weights', 'float32', ['batch', 'scored']);
  const scores = kind === 'logit' ? logits : builder.op('LogSoftmax', [logits], { axis: -1 });
  const each = builder.op('GatherElements', [scores, next], { axis: -1 });
  const flat = builder.op('Squeeze', [each, builder.ints([-1])]);
  const score = builder.op(
    'ReduceSum',
    [builder.op('Mul', [flat, weights]), builder.ints([1])],
    { keepdims: 0 },
    {
      outputs: ['why/score'],
    },
  );
  builder.output(score, 'float32', ['batch']);
  const vectors = { name: roles.embedding, type: 'float32', shape: ['batch', 'sequence', undefined] } as const;
  return extractSubgraph(builder.build(), { inputs: [vectors], outputs: [score] });
}

const vectorGraph = memo(
  ({ model, roles }: LanguageModel): Graph => extractSubgraph(model.graph, { inputs: [], outputs: [roles.embedding] }),
);

/** Vectors of some tokens, `count × width`. */
export async function tokenVectors(
  language: LanguageModel,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { model, roles } = language;
  const results = await model.executor.run(vectorGraph(language), feedsOf(language, [ids]), [roles.embedding], {
    signal,
  });
  return results.get(roles.embedding)?.data as Float32Array;
}
