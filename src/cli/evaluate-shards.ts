import * as z from 'zod/mini';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { compare } from '../evaluation/compare.ts';
import type { ComparisonRequest, ResultStore, StoredResult } from '../evaluation/comparison.ts';
import { comparisonOf, prepareEvaluation } from '../explain/evaluation/evaluate.ts';
import { createResultStore, packResults, type ResultCosts } from '../report/result-store.ts';
import type { OpenShards, ShardProgram } from '../run/shard.ts';
import { parseEvaluation } from './evaluation-text.ts';
import { filesAt, namedFiles } from './named-files.ts';

const texts = z.optional(z.array(z.string()));

/** The command's words, the sources among them. */
const parameters = z.object({
  model: z.string(),
  ...namedFiles,
  sources: z.array(z.string()),
  inputs: z.optional(z.number()),
  augment: z.optional(z.boolean()),
  method: texts,
  metric: texts,
  layer: texts,
  target: z.optional(z.string()),
  baseline: texts,
  reference: z.optional(z.string()),
  regions: z.optional(z.number()),
  alphaMin: z.optional(z.union([z.number(), z.literal('tuned')])),
  truth: z.optional(z.string()),
  set: z.array(z.string()),
  seed: z.number(),
  memory: z.optional(z.number()),
  /** What α_min was tuned to, where it was. */
  tunedTo: z.optional(z.number()),
  /** How many threads computed it, where it was not one. */
  threads: z.optional(z.number()),
});

export type EvaluateParameters = z.infer<typeof parameters>;

/** The file of a shard. */
export const evaluateFile = 'results.safetensors';

/** What is measured of a shard. */
export interface EvaluateMeasured {
  readonly costs: ResultCosts;
  /** Results that were found among the parts of the shard. */
  readonly reused: number;
}

/** `evaluate`: the results of all methods and metrics for a range of the compared inputs. */
export const evaluateProgram: ShardProgram = {
  version: 2,
  async open({ work, threads, signal, file }) {
    const asked = parameters.parse(work.parameters);
    const model = await loadModel(await file(asked.model), { threads, ...(await filesAt(asked, file)) });
    const options = { ...(await parseEvaluation(model, asked)), signal };
    const sources = await Promise.all(asked.sources.map(file));
    const request = comparisonOf(model, await prepareEvaluation(model, sources, options), asked.tunedTo);
    const { byteBudget } = options;
    return { ...openComparison(model, { ...request, signal, byteBudget }), close: () => model.close() };
  },
};

/** The shards of a comparison: each is a range of its inputs, and its results are kept one by one while it is made. */
export function openComparison(model: LoadedModel, request: ComparisonRequest): Omit<OpenShards, 'close'> {
  return {
    model: model.hash,
    async compute({ from, to }, report, { parts }) {
      const results = new Map<string, StoredResult>();
      const kept = createResultStore(parts);
      const store: ResultStore = {
        async read(key) {
          const found = await kept.read(key);
          if (found) results.set(key, found);
          return found;
        },
        async write(key, result) {
          results.set(key, result);
          await kept.write(key, result);
        },
      };
      const inputs = request.inputs.slice(from, to);
      const { cost } = await compare(model, {
        ...{ ...request, inputs, store },
        onScored: (progress) => {
          const each = progress.total / inputs.length;
          request.onScored?.({ ...progress, done: from * each + progress.done });
          report(Math.floor(progress.done / each));
        },
      });
      const costs: ResultCosts = Object.fromEntries([...results].map(([key, one]) => [key, one.cost]));
      const measured = { costs, reused: cost.reused };
      return { files: { [evaluateFile]: packResults(results) }, cost, measured };
    },
  };
}
