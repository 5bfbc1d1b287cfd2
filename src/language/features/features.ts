import { WhereforeError } from '../../errors.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { valuesFrom } from '../circuit/vectors.ts';
import { refuseEncoderDecoder } from '../model/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { promptIds } from '../model/prompt.ts';
import { anatomyOf } from '../where/anatomy.ts';
import { readValues } from '../where/read-values.ts';
import { type Autoencoder, activationsOf, reconstruction, trainAutoencoder, type Vectors } from './autoencoder.ts';
import { dashboardsOf, type FeatureDashboard, type ReadText } from './dashboards.ts';
import { type ControlName, controlDictionary, controlNames, meanMaxCosine } from './dictionaries.ts';
import { matchingPursuit } from './sparse-code.ts';

export interface FeaturesOptions {
  /** Texts whose tokens are looked at. */
  readonly texts: readonly string[];
  /** The layer behind which the stream is taken apart, from 0; default the middle one. */
  readonly layer?: number;
  /** Features of the dictionary, as a multiple of the stream's width. Default 2. */
  readonly expansion?: number;
  /** Features that are active for a token on average. Default 8. */
  readonly active?: number;
  /** Trainings with seeds of their own, which show what does not depend on luck. Default 3. */
  readonly seeds?: number;
  readonly steps?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string) => void;
}

/** How good a dictionary is. */
export interface DictionaryQuality {
  /** Share of the variance that it explains with as many active rows. */
  readonly explained: number;
  /** Share of the loss between mean vectors and the stream itself that is won back where its words take the stream's place. */
  readonly recovered: number;
  /** Mean largest |cosine| of its rows with those of another seed; undefined where there is but one. */
  readonly stable?: number;
}

export interface LearntDictionary extends DictionaryQuality {
  readonly seed: number;
  readonly active: number;
  /** Features that are never active. */
  readonly dead: number;
}

/** Features of a layer, and what they are worth. */
export interface FeaturesDocument {
  readonly format: 'wherefore/language-features';
  readonly version: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly layer: number;
  readonly texts: number;
  readonly tokens: number;
  readonly features: number;
  readonly learnt: readonly LearntDictionary[];
  readonly controls: readonly ({ readonly name: ControlName } & DictionaryQuality)[];
  /** Features of the first seed. */
  readonly dashboards: readonly FeatureDashboard[];
  readonly notes: readonly string[];
}

/** Dashboards that a document has. */
const mostDashboards = 40;
/** Tokens that controls are measured on, and texts on which the loss is. */
const mostMeasured = 800;
const mostJudged = 12;

/**
 * Takes a layer's stream apart into features by sparse autoencoders (BatchTopK) of several seeds, beside data points,
 * principal axes, raw neurons and a random dictionary, each with as many active rows. Explained variance does not tell
 * good dictionaries from bad ones: the loss that is won back and the agreement of seeds stand beside it.
 * @throws WhereforeError `out-of-range` for a layer that is not there; `invalid-data` for too few tokens
 */
export async function findFeatures(language: LanguageModel, options: FeaturesOptions): Promise<FeaturesDocument> {
  refuseEncoderDecoder(language);
  const { expansion = 2, active = 8, seeds = 3, steps, signal, onProgress = () => undefined } = options;
  const { residuals, layers, width } = await anatomyOf(language);
  const layer = options.layer ?? Math.floor((layers - 1) / 2);
  if (!Number.isInteger(layer) || layer < 0 || layer >= layers) {
    throw new WhereforeError('out-of-range', 'there is no such layer', {
      got: String(layer),
      expected: `0 to ${layers - 1}`,
    });
  }
  const { value } = residuals[layer + 1];
  onProgress('reading texts');
  const { texts, scale } = await readTexts(language, options.texts, value, signal);
  const vectors = joinedVectors(texts, width);
  const count = vectors.data.length / width;
  const features = Math.round(expansion * width);
  const found: Autoencoder[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    found.push(
      await trainAutoencoder(vectors, {
        features,
        active,
        steps,
        batchSize: Math.min(256, count),
        seed,
        runtime: language.model.executor.runtime,
        signal,
        onProgress: (step, all) => onProgress(`seed ${seed + 1} of ${seeds}: step ${step} of ${all}`),
      }),
    );
  }
  onProgress('measuring');
  const judge = await openJudge(language, { value, texts: options.texts, scale, vectors, width, signal });
  const learnt: LearntDictionary[] = [];
  for (const [seed, one] of found.entries()) {
    const { explained, active: mean, dead } = reconstruction(one, vectors);
    const recovered = await judge((vector) => decoded(one, vector));
    const other = found[(seed + 1) % found.length];
    const stable = found.length > 1 ? meanMaxCosine(alive(one, vectors), alive(other, vectors), width) : undefined;
    learnt.push({ seed, explained, recovered, stable, active: mean, dead });
  }
  const controls = [];
  for (const name of controlNames)
    controls.push({ name, ...(await controlled(name, { vectors, features, active, judge })) });
  const [first] = found;
  const { density } = reconstruction(first, vectors);
  // Features that are nearly always active say little; the others from the most frequent on.
  const chosen = Array.from(density.keys())
    .filter((f) => density[f] > 0 && density[f] < 0.5)
    .sort((a, b) => density[b] - density[a])
    .slice(0, mostDashboards);
  return {
    format: 'wherefore/language-features',
    version: 1,
    model: { name: language.name, hash: language.model.hash },
    layer,
    texts: texts.length,
    tokens: count,
    features,
    learnt,
    controls,
    dashboards: await dashboardsOf(language, first, texts, { chosen, density, scale }),
    notes: [...language.notes, 'the first token of each text is left out: its vector is unlike all others'],
  };
}

/** Vectors of the tokens of texts behind a layer, scaled to a mean square of 1 in each direction. */
async function readTexts(language: LanguageModel, texts: readonly string[], value: string, signal?: AbortSignal) {
  const read: { tokens: string[]; vectors: Float32Array }[] = [];
  let [square, size] = [0, 0];
  for (const text of texts) {
    const ids = promptIds(language, text);
    if (ids.length < 2) continue;
    const { values } = await readValues(language, ids, [value], signal);
    const { data } = values.get(value) as Tensor<'float32'>;
    const vectors = data.slice(data.length / ids.length);
    for (const x of vectors) square += x * x;
    size += vectors.length;
    read.push({ tokens: ids.map((id) => language.tokenizer.textOf(id)), vectors });
  }
  if (size === 0) throw new WhereforeError('invalid-data', 'the texts have no token behind their first');
  const scale = 1 / Math.sqrt(square / size);
  for (const { vectors } of read) for (let i = 0; i < vectors.length; i++) vectors[i] *= scale;
  return { texts: read as ReadText[], scale };
}

function joinedVectors(texts: readonly ReadText[], width: number): Vectors {
  const data = new Float32Array(texts.reduce((sum, { vectors }) => sum + vectors.length, 0));
  let at = 0;
  for (const { vectors } of texts) {
    data.set(vectors, at);
    at += vectors.length;
  }
  if (data.length / width < 128) {
    throw new WhereforeError('invalid-data', 'too few tokens to learn features from', {
      got: String(data.length / width),
      expected: '128 at least; thousands are better',
    });
  }
  return { data, width };
}

type Decode = (vector: Float32Array) => ArrayLike<number>;

function decoded(autoencoder: Autoencoder, vector: Float32Array): Float64Array {
  const { width, decoder, bias } = autoencoder;
  const said = Float64Array.from(bias);
  for (const [f, value] of activationsOf(autoencoder, vector).entries())
    if (value > 0) for (let d = 0; d < width; d++) said[d] += value * decoder[f * width + d];
  return said;
}

/** Rows of features that are ever active. */
function alive(autoencoder: Autoencoder, vectors: Vectors): Float32Array {
  const { density } = reconstruction(autoencoder, vectors);
  const { width, decoder } = autoencoder;
  const rows = Array.from(density.keys()).filter((f) => density[f] > 0);
  const found = new Float32Array(rows.length * width);
  for (const [r, f] of rows.entries()) found.set(decoder.subarray(f * width, (f + 1) * width), r * width);
  return found;
}

interface Judging {
  readonly value: string;
  readonly texts: readonly string[];
  readonly scale: number;
  readonly vectors: Vectors;
  readonly width: number;
  readonly signal?: AbortSignal;
}

/** What of the loss is won back where the stream is what a dictionary makes of it, from its mean on. */
async function openJudge(language: LanguageModel, { value, texts, scale, vectors, width, signal }: Judging) {
  const mean = meanOf(vectors);
  const judged: { ids: number[]; stream: Float32Array }[] = [];
  for (const text of texts.slice(0, mostJudged)) {
    const ids = promptIds(language, text);
    if (ids.length < 3) continue;
    const { values } = await readValues(language, ids, [value], signal);
    judged.push({ ids, stream: values.get(value)?.data as Float32Array });
  }
  const lossWith = async (decode: Decode | undefined) => {
    let [total, count] = [0, 0];
    for (const { ids, stream } of judged) {
      const changed = Float32Array.from(stream);
      for (let at = width; decode && at < stream.length; at += width) {
        const said = decode(stream.slice(at, at + width).map((x) => x * scale));
        for (let d = 0; d < width; d++) changed[at + d] = said[d] / scale;
      }
      const given = new Map([[value, float32([1, ids.length, width], changed)]]);
      const { logits } = language;
      const results = await valuesFrom(language, given, [logits], { length: ids.length, signal });
      const { data } = results.get(logits) as Tensor<'float32'>;
      for (let t = 1; t + 1 < ids.length; t++) total += lossAt(data, t, data.length / ids.length, ids[t + 1]);
      count += ids.length - 2;
    }
    return total / count;
  };
  const [whole, nothing] = [await lossWith(undefined), await lossWith(() => mean)];
  return async (decode: Decode) => (nothing - (await lossWith(decode))) / (nothing - whole);
}

/** −log p of a token. */
function lossAt(logits: Float32Array, row: number, vocabulary: number, token: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < vocabulary; v++) most = Math.max(most, logits[row * vocabulary + v]);
  let sum = 0;
  for (let v = 0; v < vocabulary; v++) sum += Math.exp(logits[row * vocabulary + v] - most);
  return most + Math.log(sum) - logits[row * vocabulary + token];
}

function meanOf({ data, width }: Vectors): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < data.length; i++) mean[i % width] += data[i] / (data.length / width);
  return mean;
}

interface Controlling {
  readonly vectors: Vectors;
  readonly features: number;
  readonly active: number;
  readonly judge: (decode: Decode) => Promise<number>;
}

/** A dictionary that is not learnt, with as many active rows found by matching pursuit. */
async function controlled(
  name: ControlName,
  { vectors, features, active, judge }: Controlling,
): Promise<DictionaryQuality> {
  const { data, width } = vectors;
  const mean = meanOf(vectors);
  const centred = { data: data.map((x, i) => x - mean[i % width]), width };
  const dictionary = controlDictionary(name, centred, { features, seed: 0 });
  const decode: Decode = (vector) =>
    matchingPursuit(
      dictionary,
      mean.map((m, d) => vector[d] - m),
      Math.round(active),
    ).map((x, d) => x + mean[d]);
  const count = Math.min(data.length / width, mostMeasured);
  let [missed, all] = [0, 0];
  for (let r = 0; r < count; r++) {
    const vector = data.subarray(r * width, (r + 1) * width);
    const said = decode(vector);
    for (let d = 0; d < width; d++) {
      missed += (vector[d] - said[d]) ** 2;
      all += (vector[d] - mean[d]) ** 2;
    }
  }
  const another = controlDictionary(name, centred, { features, seed: 1 });
  return {
    explained: 1 - missed / all,
    recovered: await judge(decode),
    stable: meanMaxCosine(dictionary, another, width),
  };
}
