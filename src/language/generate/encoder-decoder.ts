import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { memo } from '../../tensor/memo.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { DecoderPart } from '../model/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf, wholeNumbers } from '../model/run.ts';
import type { RememberingDecoder } from './remembering-decoder.ts';

/** The encoder alone, and the decoder behind it. */
const halves = memo((language: LanguageModel): { encoder: Graph; decoder: Graph } => {
  const { model, logits } = language;
  const { hidden } = language.decoder as DecoderPart;
  const given = { name: hidden, type: 'float32', shape: ['batch', 'sequence', undefined] } as const;
  return {
    encoder: extractSubgraph(model.graph, { inputs: [], outputs: [hidden] }),
    decoder: extractSubgraph(model.graph, { inputs: [given], outputs: [logits] }),
  };
});

/**
 * What an encoder–decoder writes for one prompt: the encoder reads it once, the decoder reads what was written anew for
 * each token, without a cache.
 * @param prompt the prompt's tokens; texts that are read begin with them
 */
export async function openEncoderDecoder(
  language: LanguageModel,
  prompt: readonly number[],
  maxTokens: number,
): Promise<RememberingDecoder> {
  const { model, logits } = language;
  const part = language.decoder as DecoderPart;
  const { encoder, decoder } = halves(language);
  const feeds = feedsOf(language, [prompt]);
  const hidden = (await model.executor.run(encoder, feeds, [part.hidden])).get(part.hidden) as Tensor;
  const logitsOf = async (written: readonly number[], signal?: AbortSignal) => {
    const ids = [...part.start, ...written];
    const given = new Map([
      ...feeds,
      [part.hidden, hidden],
      [part.ids, wholeNumbers(model, part.ids, [1, ids.length], ids)],
    ]);
    const results = await model.executor.run(decoder, given, [logits], { signal });
    return { data: results.get(logits)?.data as Float32Array, count: ids.length };
  };
  return {
    capacity: prompt.length + maxTokens,
    async read(ids, signal) {
      const { data, count } = await logitsOf(ids.slice(prompt.length), signal);
      return data.slice(((count - 1) * data.length) / count);
    },
    async score(ids, first, signal) {
      const written = ids.slice(prompt.length);
      const { data, count } = await logitsOf(written.slice(0, -1), signal);
      const width = data.length / count;
      const skipped = first - prompt.length;
      const scores = new Float32Array(written.length - skipped);
      for (let j = skipped; j < written.length; j++) {
        const at = (part.start.length - 1 + j) * width;
        scores[j - skipped] = data[at + written[j]] - logSum(data.subarray(at, at + width));
      }
      return scores;
    },
    close: async () => undefined,
  };
}

/** ln Σ e^x */
function logSum(values: Float32Array): number {
  const most = values.reduce((a, b) => Math.max(a, b));
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
