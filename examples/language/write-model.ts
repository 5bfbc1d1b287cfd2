import { join } from 'node:path';
import { writeAtomically } from '../../src/data/index.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { DecoderShape } from './decoder.ts';
import { wordTokenizer } from './tokenizer.ts';

/** Writes a decoder as a folder in the layout of Hugging Face. */
export async function writeDecoder(folder: string, shape: DecoderShape, model: OnnxModel): Promise<void> {
  await writeAtomically(join(folder, 'model.onnx'), encodeModel(model));
  await writeAtomically(join(folder, 'tokenizer.json'), wordTokenizer(shape.words));
  const config = {
    model_type: 'wherefore-decoder',
    vocab_size: shape.words.length,
    max_position_embeddings: shape.longest,
  };
  await writeAtomically(join(folder, 'config.json'), `${JSON.stringify(config, undefined, 1)}\n`);
}
