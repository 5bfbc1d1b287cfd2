import * as z from 'zod';
import { loadModel } from '../data/model/load-model.ts';
import { compare } from '../evaluation/compare.ts';
import type { ResultStore, StoredResult } from '../evaluation/comparison.ts';
import { comparisonOf, prepareEvaluation } from '../explain/evaluation/evaluate.ts';
import { packResults, type ResultCosts } from '../report/result-store.ts';
import type { ShardProgram } from '../run/shard.ts';
import { parseEvaluation } from './evaluation-text.ts';
import { filesAt, namedFiles } from './named-files.ts';

const texts = z.array(z.string()).optional();

/** The command's words, the sources among them. */
const parameters = z.object({
  model: z.string(),
  ...namedFiles,
  sources: z.array(z.string()),
  inputs: z.number().optional(),
  augment: z.boolean().optional(),
  method: texts,
  metric: texts,
  layer: texts,
  target: z.string().optional(),
  baseline: texts,
  reference: z.string().optional(),
  regions: z.number().optional(),
  alphaMin: z.union([z.number(), z.literal('tuned')]).optional(),
  truth: z.string().optional(),
  set: z.array(z.string()),
  seed: z.number(),
  memory: z.number().optional(),
  /** What α_min was tuned to, where it was. */
  tunedTo: z.number().optional(),
});

export type EvaluateParameters = z.infer<typeof parameters>;

/** The file of a shard. */
export const evaluateFile = 'results.safetensors';

/** `evaluate`: the results of all methods and metrics for a range of the compared inputs. */
export const evaluateProgram: ShardProgram = {
  version: 1,
  async open({ work, threads, signal, file }) {
    const asked = parameters.parse(work.parameters);
    const model = await loadModel(await file(asked.model), { threads, ...(await filesAt(asked, file)) });
    const options = { ...(await parseEvaluation(model, asked)), signal };
    const sources = await Promise.all(asked.sources.map(file));
    const request = comparisonOf(model, await prepareEvaluation(model, sources, options), asked.tunedTo);
    return {
      model: model.hash,
      async compute({ from, to }, report) {
        const kept = new Map<string, StoredResult>();
        const store: ResultStore = {
          read: async (key) => kept.get(key),
          write: async (key, result) => void kept.set(key, result),
        };
        const inputs = request.inputs.slice(from, to);
        const { cost } = await compare(model, {
          ...{ ...request, inputs, store, signal, byteBudget: options.byteBudget },
          onScored: ({ done, total }) => report(Math.floor((done * inputs.length) / total)),
        });
        const costs: ResultCosts = Object.fromEntries([...kept].map(([key, one]) => [key, one.cost]));
        return { files: { [evaluateFile]: packResults(kept) }, cost, measured: costs };
      },
      close: () => model.close(),
    };
  },
};
