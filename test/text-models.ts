import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { float32 } from '../src/tensor/tensor.ts';

/** A classifier of texts as the mean of its words' scores: small enough to check by hand. */
export interface TextClassifier {
  /** Scores of a word for each class; other words score 0. */
  readonly words: Readonly<Record<string, readonly number[]>>;
  readonly classes: number;
  /** Axes that the file declares for `logits`; default [batch, classes]. */
  readonly declares?: readonly (number | undefined)[];
  /** Tokens that the model always takes; default any number. */
  readonly length?: number;
  /** What the model ends in. */
  readonly last?: 'Softmax' | 'Sigmoid';
}

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** The vocabulary of a classifier: special tokens, then its words in their order. */
export function vocabularyOf({ words }: TextClassifier): string[] {
  return [...special, ...Object.keys(words)];
}

/** `model.onnx` with inputs `input_ids` and `attention_mask`, [batch, sequence], and output `logits`. */
export function encodeTextClassifier(classifier: TextClassifier): Uint8Array {
  const { words, classes, declares = [undefined, classes], length, last } = classifier;
  const rows = vocabularyOf(classifier).map((word) => words[word] ?? new Array<number>(classes).fill(0));
  const builder = new GraphBuilder();
  const ids = builder.input('input_ids', 'int64', [undefined, length]);
  const mask = builder.input('attention_mask', 'int64', [undefined, length]);
  const table = builder.constant(float32([rows.length, classes], rows.flat()));
  const weight = builder.op('Unsqueeze', [builder.op('Cast', [mask], { to: 1 }), builder.ints([-1])]);
  const scores = builder.op('Mul', [builder.op('Gather', [table, ids], { axis: 0 }), weight]);
  const [sum, count] = [scores, weight].map((value) =>
    builder.op('ReduceSum', [value, builder.ints([1])], { keepdims: 0 }),
  );
  const mean = builder.op('Div', [sum, count], {}, last ? {} : { outputs: ['logits'] });
  if (last) builder.op(last, [mean], last === 'Softmax' ? { axis: 1 } : {}, { outputs: ['logits'] });
  builder.output('logits', 'float32', declares);
  return encodeModel({
    irVersion: 10,
    producer: 'test',
    opsets: new Map([['', 20]]),
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  });
}

/** A `tokenizer.json` as BERT has it, of whole lower-case words. */
export function tokenizerJson(classifier: TextClassifier): string {
  const tokens = vocabularyOf(classifier);
  const cls = { SpecialToken: { id: '[CLS]', type_id: 0 } };
  const sep = { SpecialToken: { id: '[SEP]', type_id: 0 } };
  return JSON.stringify({
    version: '1.0',
    added_tokens: special.map((content, id) => ({ id, content, special: true, normalized: false })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [cls, { Sequence: { id: 'A', type_id: 0 } }, sep],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  });
}

/** A folder as Hugging Face lays it out: `onnx/model.onnx`, and the other files around that folder. */
export async function writeTextClassifier(
  folder: string,
  classifier: TextClassifier,
  files: Readonly<Record<string, string>> = {},
  path = 'onnx/model.onnx',
): Promise<string> {
  const model = join(folder, path);
  await mkdir(join(model, '..'), { recursive: true });
  await writeFile(model, encodeTextClassifier(classifier));
  await writeFile(join(folder, 'tokenizer.json'), tokenizerJson(classifier));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return model;
}
