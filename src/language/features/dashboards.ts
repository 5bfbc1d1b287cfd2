import { float32 } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { unembed } from '../where/unembedding.ts';
import { type Autoencoder, activationsOf } from './autoencoder.ts';

/** A text of which every token but the first has a vector. */
export interface ReadText {
  readonly tokens: readonly string[];
  /** `(tokens − 1) × width`, scaled as the autoencoder saw them. */
  readonly vectors: Float32Array;
}

/** A place where a feature is strong, with the tokens around it. */
export interface FeatureExample {
  readonly tokens: readonly string[];
  /** One for each of the tokens. */
  readonly activations: readonly number[];
  readonly most: number;
}

/** What a person looks at to say what a feature is. */
export interface FeatureDashboard {
  readonly feature: number;
  /** Share of tokens at which it is active. */
  readonly density: number;
  readonly examples: readonly FeatureExample[];
  /** Tokens whose probability rises most where its direction is added to the mean stream, read through the final norm. */
  readonly promotes: readonly string[];
}

/** Tokens before and behind the strongest one. */
const around = 6;
const examplesEach = 4;
const promotedEach = 5;

/** Dashboards of features: where each is strongest, at most once in a text. */
export async function dashboardsOf(
  language: LanguageModel,
  autoencoder: Autoencoder,
  texts: readonly ReadText[],
  {
    chosen,
    density,
    scale,
  }: { readonly chosen: readonly number[]; readonly density: Float64Array; readonly scale: number },
): Promise<FeatureDashboard[]> {
  const { width } = autoencoder;
  const examples = new Map(chosen.map((feature) => [feature, [] as FeatureExample[]]));
  for (const { tokens, vectors } of texts) {
    const all = Array.from({ length: tokens.length - 1 }, (_, t) =>
      activationsOf(autoencoder, vectors.subarray(t * width, (t + 1) * width)),
    );
    for (const [feature, known] of examples) {
      const values = all.map((ofToken) => ofToken[feature]);
      const most = values.reduce((a, b) => Math.max(a, b), 0);
      if (most === 0) continue;
      const at = values.indexOf(most) + 1;
      const [start, end] = [Math.max(1, at - around), Math.min(tokens.length, at + around + 1)];
      known.push({ tokens: tokens.slice(start, end), activations: values.slice(start - 1, end - 1), most });
    }
  }
  const promoted = await promotedBy(language, autoencoder, chosen, scale);
  return chosen.map((feature, i) => ({
    feature,
    density: density[feature],
    examples: (examples.get(feature) ?? []).sort((a, b) => b.most - a.most).slice(0, examplesEach),
    promotes: promoted[i],
  }));
}

/** Tokens whose probability rises most when a feature's direction is added to the mean vector. */
async function promotedBy(
  language: LanguageModel,
  { width, decoder, bias }: Autoencoder,
  chosen: readonly number[],
  scale: number,
) {
  const rows = new Float32Array((chosen.length + 1) * width);
  const length = Math.sqrt(width);
  for (let d = 0; d < width; d++) rows[d] = bias[d] / scale;
  for (const [i, feature] of chosen.entries()) {
    for (let d = 0; d < width; d++)
      rows[(i + 1) * width + d] = (bias[d] + 0.5 * length * decoder[feature * width + d]) / scale;
  }
  const { data } = await unembed(language, float32([chosen.length + 1, 1, width], rows), [0]);
  const vocabulary = data.length / (chosen.length + 1);
  const before = probabilities(data.subarray(0, vocabulary));
  return chosen.map((_, i) => {
    const after = probabilities(data.subarray((i + 1) * vocabulary, (i + 2) * vocabulary));
    return Array.from(after, (p, v) => [p - before[v], v] as const)
      .sort((a, b) => b[0] - a[0])
      .slice(0, promotedEach)
      .map(([, v]) => language.tokenizer.textOf(v));
  });
}

function probabilities(logits: Float32Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const found = Float64Array.from(logits).map((logit) => Math.exp(logit - most));
  const sum = found.reduce((a, b) => a + b, 0);
  return found.map((value) => value / sum);
}
