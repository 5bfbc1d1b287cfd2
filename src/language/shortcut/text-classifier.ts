import { basename, dirname } from 'node:path';
import type { EncodedText } from '../../data/inputs/text-length.ts';
import { readTokenizer } from '../../data/inputs/tokenizer-file.ts';
import { loadModel } from '../../data/model/load-model.ts';
import { WhereforeError } from '../../errors.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { memo } from '../../tensor/memo.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { inputRoles } from '../model/input-roles.ts';
import { firstFile, type LanguageModel, modelFile, type OpenLanguageModelOptions } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

/** A classifier of texts that runs here: token ids in, `batch × classes` out. */
export type TextClassifier = Pick<LanguageModel, 'name' | 'model' | 'tokenizer' | 'roles' | 'logits' | 'close'>;

/**
 * Opens a classifier of texts from a folder with `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`.
 * @throws WhereforeError `file-not-found`, `unsupported-model`, and as {@link loadModel}
 */
export async function openTextClassifier(
  path: string,
  { file: named, tokenizer: tokenizerPath, ...loading }: OpenLanguageModelOptions = {},
): Promise<TextClassifier> {
  const file = await modelFile(path, named);
  const folder = basename(dirname(file)) === 'onnx' ? dirname(dirname(file)) : dirname(file);
  const found = tokenizerPath ?? (await firstFile([dirname(file), folder], 'tokenizer.json'));
  if (found === undefined) {
    throw new WhereforeError('file-not-found', 'the folder has no tokenizer', {
      where: folder,
      expected: 'tokenizer.json',
      fix: 'put the tokenizer.json of the model beside it, or name it',
    });
  }
  const tokenizer = await readTokenizer(found);
  const model = await loadModel(file, loading);
  try {
    const roles = inputRoles(model.graph, tokenizer.size);
    const logits = model.graph.outputs[0].name;
    return { name: basename(folder), model, tokenizer, roles, logits, close: () => model.close() };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** A text as a classifier sees it, and what its words are worth. */
export interface AttributedText {
  /** Words in order; special tokens are left out. */
  readonly words: readonly string[];
  /**
   * `|Σ ⟨x_i − x̄, ∂s/∂x_i⟩|` over the tokens i of each word, s the logit of the predicted class less the mean of the
   * others, x̄ the mean vector of all tokens of the texts. Without it a token that fills its own norm would be worth
   * nothing: the length of its vector does not count there.
   */
  readonly attributions: readonly number[];
  readonly predicted: number;
}

/** Texts of one length that go through the model together. */
const mostRows = 64;

/**
 * Predictions of a classifier of texts, and the gradient × embedding of every word, from the mean embedding on.
 * @throws WhereforeError `unsupported-model` for another output
 */
export async function attributedTexts(
  language: TextClassifier,
  texts: readonly string[],
  {
    signal,
    onProgress,
  }: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<AttributedText[]> {
  const encoded = texts.map((text) => language.tokenizer.encode(text));
  const byLength = new Map<number, number[]>();
  for (const [i, { ids }] of encoded.entries()) {
    if (ids.length === 0) throw new WhereforeError('invalid-data', 'a text has no tokens', { got: `row ${i}` });
    const known = byLength.get(ids.length);
    if (known) known.push(i);
    else byLength.set(ids.length, [i]);
  }
  const found = new Array<AttributedText>(texts.length);
  const batches = [...byLength.values()].flatMap((rows) =>
    Array.from({ length: Math.ceil(rows.length / mostRows) }, (_, b) => rows.slice(b * mostRows, (b + 1) * mostRows)),
  );
  const mean = new MeanVector();
  for (const part of batches) {
    const ofBatch = part.map((i) => encoded[i]);
    mean.add(await vectorsOf(language, ofBatch, signal));
  }
  let done = 0;
  for (const part of batches) {
    const results = await attributedBatch(
      language,
      part.map((i) => encoded[i]),
      { mean: mean.value(), signal },
    );
    for (const [r, i] of part.entries()) found[i] = results[r];
    done += part.length;
    onProgress?.(done, texts.length);
  }
  return found;
}

const fromEmbeddings = memo(({ model, roles, logits }: TextClassifier) => {
  const vectors = { name: roles.embedding, type: 'float32', shape: undefined } as const;
  return extractSubgraph(model.graph, { inputs: [vectors], outputs: [logits] });
});

const embeddings = memo(({ model, roles }: TextClassifier) => {
  const part = extractSubgraph(model.graph, { inputs: [], outputs: [roles.embedding] });
  const builder = new GraphBuilder({ ...part, outputs: [] });
  builder.output(roles.embedding, 'float32');
  return builder.build();
});

/** Vectors of the tokens of texts of one length. */
async function vectorsOf(
  language: TextClassifier,
  texts: readonly EncodedText[],
  signal?: AbortSignal,
): Promise<Tensor<'float32'>> {
  const { model, roles } = language;
  const feeds = feedsOf(
    language,
    texts.map(({ ids }) => ids),
  );
  const results = await model.executor.run(embeddings(language), feeds, [roles.embedding], { signal });
  return results.get(roles.embedding) as Tensor<'float32'>;
}

/** The mean of vectors that come batch by batch. */
class MeanVector {
  #sum = new Float64Array(0);
  #count = 0;

  add({ shape, data }: Tensor<'float32'>): void {
    const width = shape[shape.length - 1];
    if (this.#sum.length === 0) this.#sum = new Float64Array(width);
    for (let i = 0; i < data.length; i++) this.#sum[i % width] += data[i];
    this.#count += data.length / width;
  }

  value(): Float64Array {
    return this.#sum.map((total) => total / this.#count);
  }
}

async function attributedBatch(
  language: TextClassifier,
  texts: readonly EncodedText[],
  { mean, signal }: { readonly mean: Float64Array; readonly signal?: AbortSignal },
): Promise<AttributedText[]> {
  const { model, roles, logits } = language;
  const feeds = feedsOf(
    language,
    texts.map(({ ids }) => ids),
  );
  const vectors = await vectorsOf(language, texts, signal);
  const graph = fromEmbeddings(language);
  const inputs = new Map<string, Tensor>([...feeds, [roles.embedding, vectors]]);
  const own = new Map(
    graph.inputs.flatMap(({ name }) => (inputs.has(name) ? [[name, inputs.get(name) as Tensor]] : [])),
  );
  const output = (await model.executor.run(graph, own, [logits], { signal })).get(logits) as Tensor<'float32'>;
  const [rows, classes, ...more] = output.shape;
  if (rows !== texts.length || more.length > 0 || !(classes > 1)) {
    throw new WhereforeError('unsupported-model', 'the model is no classifier of texts', {
      where: language.name,
      got: `an output of shape [${output.shape.join(', ')}]`,
      expected: 'logits of two classes or more, batch × classes',
    });
  }
  const predicted = texts.map((_, r) => largestAt(output.data, r * classes, classes));
  const seed = new Float32Array(rows * classes).fill(-1 / (classes - 1));
  for (const [r, label] of predicted.entries()) seed[r * classes + label] = 1;
  const seeds = new Map([[logits, float32([rows, classes], seed)]]);
  const { gradients } = await gradientsOf({ ...model, graph }, { inputs: own, seeds, wrt: [roles.embedding], signal });
  const slopes = gradients.get(roles.embedding)?.data as Float32Array;
  const size = slopes.length / rows;
  return texts.map((text, r) => {
    const at = (values: Float32Array) => values.subarray(r * size, (r + 1) * size);
    return { ...wordsOf(text, { vectors: at(vectors.data), slopes: at(slopes), mean }), predicted: predicted[r] };
  });
}

function largestAt(data: Float32Array, from: number, count: number): number {
  let best = 0;
  for (let c = 1; c < count; c++) if (data[from + c] > data[from + best]) best = c;
  return best;
}

/** Attributions of tokens summed to words. */
function wordsOf(
  { texts, special, words }: EncodedText,
  {
    vectors,
    slopes,
    mean,
  }: { readonly vectors: Float32Array; readonly slopes: Float32Array; readonly mean: Float64Array },
) {
  const width = mean.length;
  const found = new Map<number, { text: string; sum: number }>();
  for (const [i, word] of words.entries()) {
    if (special[i]) continue;
    let product = 0;
    for (let d = i * width; d < (i + 1) * width; d++) product += (vectors[d] - mean[d % width]) * slopes[d];
    const known = found.get(word);
    if (known) [known.text, known.sum] = [known.text + texts[i], known.sum + product];
    else found.set(word, { text: texts[i], sum: product });
  }
  const all = [...found.values()];
  return { words: all.map(({ text }) => text.trim()), attributions: all.map(({ sum }) => Math.abs(sum)) };
}
