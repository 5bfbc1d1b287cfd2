import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DecoderShape } from '../../examples/language/decoder.ts';
import { writeDecoder } from '../../examples/language/write-model.ts';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';

/** Opens a decoder that was just made: written to a folder of its own, which goes when it is closed. */
export async function openDecoderModel(
  shape: DecoderShape,
  model: OnnxModel,
  runtime: Runtime,
): Promise<LanguageModel> {
  const folder = await mkdtemp(join(tmpdir(), 'decoder-'));
  await writeDecoder(folder, shape, model);
  return openInFolder(folder, runtime);
}

/** Opens the model of a folder, which goes when it is closed. */
export async function openInFolder(folder: string, runtime: Runtime): Promise<LanguageModel> {
  const language = await openLanguageModel(folder, { runtime });
  return {
    ...language,
    async close() {
      await language.close();
      await rm(folder, { recursive: true });
    },
  };
}
