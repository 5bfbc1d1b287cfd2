import * as z from 'zod/mini';
import { checked } from '../../checked.ts';
import { WhereforeError } from '../../errors.ts';
import { largestAt } from '../../tensor/extremes.ts';
import { type Random, random } from '../../tensor/random.ts';

/** How the next token is chosen. */
export const samplingSchema = z.strictObject({
  /** Logits are divided by it; 0 (default) takes the most probable token. */
  temperature: z._default(z.number().check(z.minimum(0), z.maximum(100)), 0),
  /** Only so many of the most probable tokens; default all. */
  topK: z.optional(z.int().check(z.minimum(1))),
  /** Only the most probable tokens that hold this probability together; default 1. */
  topP: z._default(z.number().check(z.gt(0), z.maximum(1)), 1),
  /** Only tokens at least so probable as a share of the most probable one; default 0. */
  minP: z._default(z.number().check(z.minimum(0), z.maximum(1)), 0),
  /** Logits of tokens that stand in the text are divided by it where positive, else multiplied; default 1. */
  repetitionPenalty: z._default(z.number().check(z.gt(0), z.maximum(100)), 1),
  /** Determines what is drawn; default 0. */
  seed: z._default(z.number(), 0),
});

export type Sampling = z.infer<typeof samplingSchema>;
export type SamplingOptions = z.input<typeof samplingSchema>;

/** @throws WhereforeError `invalid-argument`, naming the setting */
export function samplingOf(options: SamplingOptions = {}): Sampling {
  const parsed = checked(samplingSchema, options);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new WhereforeError('invalid-argument', `sampling: ${path.join('.') || 'settings'}`, { expected: message });
}

/** Chooses tokens by their logits. */
export interface Sampler {
  /** @param text the tokens so far, for the penalty */
  choose(logits: Float32Array, text: readonly number[]): number;
}

/**
 * A sampler: penalty, temperature, then top-k, top-p and min-p one after the other, each on what the one before left.
 * Sources: Holtzman et al. 2020 (top-p), Keskar et al. 2019 (penalty), Nguyen et al. 2024 (min-p).
 */
export function createSampler(sampling: Sampling): Sampler {
  const source = random(sampling.seed);
  return {
    choose(logits, text) {
      const scores = penalised(logits, text, sampling.repetitionPenalty);
      return sampling.temperature === 0 ? largestAt(scores) : draw(scores, sampling, source);
    },
  };
}

function penalised(logits: Float32Array, text: readonly number[], penalty: number): Float32Array {
  if (penalty === 1) return logits;
  const scores = logits.slice();
  for (const id of new Set(text)) scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty;
  return scores;
}

function draw(scores: Float32Array, { temperature, topK, topP, minP }: Sampling, source: Random): number {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  const kept = order.slice(0, topK ?? order.length);
  const weights = kept.map((id) => Math.exp((scores[id] - scores[kept[0]]) / temperature));
  let total = 0;
  for (const weight of weights) total += weight;
  let [count, held] = [0, 0];
  while (count < kept.length && held < topP * total && (count === 0 || weights[count] >= minP))
    held += weights[count++];
  let left = source.uniform() * held;
  for (let i = 0; i < count; i++) {
    left -= weights[i];
    if (left < 0) return kept[i];
  }
  return kept[count - 1];
}
