import { settledPreprocessing } from '../../data/guess/settled-preprocessing.ts';
import { tensorInput } from '../../data/inputs/tensor-input.ts';
import { textInputs } from '../../data/inputs/text-input.ts';
import { loadModel } from '../../data/model/load-model.ts';
import { WhereforeError } from '../../errors.ts';
import { overPositions, withOutput } from '../../influence/represent.ts';
import { unknownName } from '../../nearest.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { IndexedSentenceEncoder } from './sentence-vectors.ts';

/** A model that puts sentences of one meaning near to each other. */
export interface SentenceEncoder {
  readonly entry: IndexedSentenceEncoder;
  /** Vectors of length 1, one a sentence; a sentence that the model cannot take is all zeros. */
  embed(sentences: readonly string[], signal?: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens a model as an encoder of sentences: any model of texts with its `tokenizer.json`. Its first output is taken, or a
 * value of its graph, averaged over tokens where it has some.
 * @throws WhereforeError `unknown-name` for a layer that is not there; `invalid-argument` for a model that takes no text
 */
export async function openSentenceEncoder(
  path: string,
  { layer, threads }: { readonly layer?: string; readonly threads?: number } = {},
): Promise<SentenceEncoder> {
  const model = await loadModel(path, { threads });
  try {
    const values = model.graph.nodes.flatMap(({ outputs }) => outputs);
    const value = layer ?? model.graph.outputs[0].name;
    if (!values.includes(value)) throw unknownName('the encoder has no value', value, values, { where: model.name });
    const graph = withOutput(model.graph, value);
    const preprocessing = settledPreprocessing(model);
    const vectorOf = async (sentence: string, signal?: AbortSignal) => {
      const complete = (tensors: ReadonlyMap<string, Tensor>) =>
        tensorInput(model, tensors, model.name, undefined, preprocessing);
      // Of a sentence longer than the model takes, its beginning.
      const [{ tensors }] = await textInputs(model, sentence, model.name, preprocessing, complete);
      const found = (await model.executor.run(graph, tensors, [value], { signal })).get(value) as Tensor;
      return overPositions(found).data;
    };
    const { length: width } = await vectorOf('A sentence to see how long its vector is.');
    if (width < 2)
      throw new WhereforeError('invalid-argument', 'the encoder gives no vector', {
        where: `${model.name}, ${value}`,
        got: `${width} number${width === 1 ? '' : 's'} a sentence`,
        fix: 'name a layer of it with --layer',
      });
    return {
      entry: { name: model.name, model: model.hash, layer: value, width },
      async embed(sentences, signal) {
        const vectors = new Float32Array(width * sentences.length);
        for (const [i, sentence] of sentences.entries())
          vectors.set(unitLength(await vectorOf(sentence, signal)), i * width);
        return vectors;
      },
      close: () => model.close(),
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

function unitLength(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  return vector.map((value) => value * factor);
}
