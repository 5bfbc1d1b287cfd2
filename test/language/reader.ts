import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wordTokenizer } from '../../examples/language/tokenizer.ts';
import { writeAtomically } from '../../src/data/index.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { GraphBuilder } from '../../src/onnx/builder.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { permutation, type Random, random } from '../../src/tensor/random.ts';
import { float32, sizeOf } from '../../src/tensor/tensor.ts';
import { openInFolder } from './opened.ts';

// A reader of long texts, set by hand: behind `n17` it says what stood behind `n17` before. One head looks one token
// back, another one at tokens behind the same name. Both tell tokens and places apart by random codes, so that they do
// at any length what models that were trained on short texts do not.

const names = 64;
const values = 64;
const fillers = 256;
const words = [
  ...['<pad>', '<s>', '.', 'The'],
  ...Array.from({ length: names }, (_, i) => `n${i}`),
  ...Array.from({ length: values }, (_, i) => `v${i}`),
  ...Array.from({ length: fillers }, (_, i) => `w${i}`),
];
/** Codes are signs divided by the root of their length: one with itself gives 1, two of them about 0. */
const tokenCode = 128;
const placeCode = 256;
/** What scores of attention are multiplied with: a match stands far above what 8,192 others add up to. */
const sharp = 45;
/** The second head is softer, so that several facts about one name share its attention. */
const soft = 30;
/** What logits are multiplied with. */
const scale = 20;

function codes(shape: readonly [number, number], source: Random) {
  const size = 1 / Math.sqrt(shape[1]);
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = source.uniform() < 0.5 ? -size : size;
  return float32(shape, data);
}

function readerModel(longest: number): OnnxModel {
  const source = random(17);
  const builder = new GraphBuilder();
  const ids = builder.input('input_ids', 'int64', ['batch', 'sequence']);
  const positions = builder.input('position_ids', 'int64', ['batch', 'sequence']);
  const table = builder.initializer('tokens', codes([words.length, tokenCode], source));
  // A place and the one before it: the same codes, one row apart.
  const places = codes([longest + 1, placeCode], source);
  const own = builder.initializer('places', float32([longest, placeCode], places.data.slice(placeCode)));
  const before = builder.initializer('before', float32([longest, placeCode], places.data.slice(0, -placeCode)));
  const x = builder.op('Gather', [table, ids]);
  const later = builder.op('Greater', [
    builder.op('Unsqueeze', [positions, builder.ints([1])]),
    builder.op('Unsqueeze', [positions, builder.ints([2])]),
  ]);
  const mask = builder.op('Where', [later, builder.scalar(-1e9), builder.scalar(0)]);
  const attention = (query: string, key: string, by: number) => {
    const turned = builder.op('Transpose', [key], { perm: [0, 2, 1] });
    const scores = builder.op('Mul', [builder.op('MatMul', [query, turned]), builder.scalar(by)]);
    const weights = builder.op('Softmax', [builder.op('Add', [scores, mask])], { axis: -1 });
    return builder.op('MatMul', [weights, x]);
  };
  const lastToken = attention(builder.op('Gather', [before, positions]), builder.op('Gather', [own, positions]), sharp);
  const found = attention(x, lastToken, soft);
  const turned = builder.op('Transpose', [table], { perm: [1, 0] });
  const product = builder.op('MatMul', [found, turned]);
  const logits = builder.op('Mul', [product, builder.scalar(scale)], {}, { outputs: ['logits'] });
  builder.output(logits, 'float32', ['batch', 'sequence', words.length]);
  const opsets = new Map([['', 20]]);
  const none = { functions: [], metadata: new Map<string, string>() };
  return { irVersion: 9, producer: 'wherefore-bench', opsets, graph: builder.build(), ...none };
}

/** Opens the reader for texts of so many tokens. */
export async function openReader(longest: number, runtime: Runtime): Promise<LanguageModel> {
  const folder = await mkdtemp(join(tmpdir(), 'reader-'));
  await writeAtomically(join(folder, 'model.onnx'), encodeModel(readerModel(longest)));
  await writeAtomically(join(folder, 'tokenizer.json'), wordTokenizer(words));
  const config = { model_type: 'reader', vocab_size: words.length, max_position_embeddings: longest };
  await writeAtomically(join(folder, 'config.json'), JSON.stringify(config));
  return openInFolder(folder, runtime);
}

/**
 * A text of so many sentences of eight tokens: three about the name that is asked about, of which two say the answer
 * and one says something else, some about other names, and words that mean nothing.
 */
export function readerText(source: Random, sentences: number) {
  const [asked, said, other] = ['n5', 'v9', 'v30'];
  const filler = () => `w${source.integer(fillers)}`;
  const about = (name: string, value: string) =>
    `The ${filler()} ${name} ${value} ${filler()} ${filler()} ${filler()} .`;
  const facts = [about(asked, said), about(asked, said), about(asked, other)];
  const others = Array.from({ length: sentences - facts.length }, (_, i) =>
    i < 100 ? about(`n${6 + (i % (names - 6))}`, `v${source.integer(values)}`) : about(filler(), filler()),
  );
  const all = [...facts, ...others];
  const text = Array.from(permutation(all.length, source), (i) => all[i]);
  const paragraphs: string[] = [];
  for (let at = 0; at < text.length; at += 20) paragraphs.push(text.slice(at, at + 20).join(' '));
  return { prompt: `${paragraphs.join('\n\n')} ${asked}`, answer: ` ${said}`, keep: asked, facts };
}
