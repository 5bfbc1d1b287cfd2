import { join } from 'node:path';
import { wordTokenizer } from '../../examples/language/tokenizer.ts';
import { writeAtomically } from '../../src/data/index.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { Construction, gpt2Logits, gpt2Sizes } from '../nets.ts';

const longest = 1024;

/** Words of a vocabulary as large as GPT-2's; the first two are special. */
const words = ['<pad>', '<s>', ...Array.from({ length: gpt2Sizes.vocabulary - 2 }, (_, i) => `w${i}`)];

/** GPT-2 small as exporters write decoders: `input_ids` of any length → `logits`. The weights are random. */
function gpt2Decoder(): OnnxModel {
  const { width, vocabulary } = gpt2Sizes;
  const net = new Construction(2);
  const { builder } = net;
  const ids = builder.input('input_ids', 'int64', ['batch', 'sequence']);
  const length = builder.op('Gather', [builder.op('Shape', [ids]), builder.ints([1])]);
  const positions = builder.op('Range', [builder.scalar(0, 'int64'), scalarOf(length), builder.scalar(1, 'int64')]);
  const embedding = net.parameter('wte', [vocabulary, width], 0.02);
  const places = builder.op('Gather', [net.parameter('wpe', [longest, width], 0.02), positions]);
  const x = builder.op('Add', [builder.op('Gather', [embedding, ids]), places]);
  const later = builder.op('Greater', [
    builder.op('Unsqueeze', [positions, builder.ints([0])]),
    builder.op('Unsqueeze', [positions, builder.ints([1])]),
  ]);
  const mask = builder.op('Where', [later, builder.scalar(-1e4), builder.scalar(0)]);
  return net.build(gpt2Logits(net, x, { embedding, mask }), ['batch', 'sequence', vocabulary]).model;

  function scalarOf(list: string): string {
    return builder.op('Squeeze', [list, builder.ints([0])]);
  }
}

/** Writes it as a folder in the layout of Hugging Face, with a tokenizer of one token a word: `w0 w1 …`. */
export async function writeGpt2(folder: string): Promise<void> {
  await writeAtomically(join(folder, 'model.onnx'), encodeModel(gpt2Decoder()));
  await writeAtomically(join(folder, 'tokenizer.json'), wordTokenizer(words));
  const config = { model_type: 'gpt2', vocab_size: gpt2Sizes.vocabulary, max_position_embeddings: longest };
  await writeAtomically(join(folder, 'config.json'), `${JSON.stringify(config)}\n`);
}
