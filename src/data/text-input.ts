import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { WhereforeError } from '../errors.ts';
import { maxOf } from '../tensor/extremes.ts';
import { int64, type Tensor } from '../tensor/tensor.ts';
import { foldersOf } from './folders.ts';
import type { LoadedModel } from './load-model.ts';
import type { ModelInput } from './model-input.ts';
import type { Preprocessing, TextInput } from './preprocessing.ts';
import { readTokenizer, type Tokenizer } from './tokenizer.ts';

/** The input of token ids that a model says how to make from text. */
export function describedText(preprocessing: Preprocessing): { name: string; input: TextInput } | undefined {
  const texts = Object.entries(preprocessing.inputs).flatMap(([name, input]) =>
    input.kind === 'text' && input.part === 'ids' ? [{ name, input }] : [],
  );
  return texts.length === 1 ? texts[0] : undefined;
}

/**
 * The tokenizer that a model's `wherefore.yaml` names, below its folder, else the one beside the model; undefined where
 * there is neither.
 */
export async function tokenizerOf(model: LoadedModel, preprocessing: Preprocessing): Promise<Tokenizer | undefined> {
  const path = tokenizerPath(model, preprocessing);
  if (path === undefined) return undefined;
  let byPath = tokenizers.get(model);
  if (!byPath) tokenizers.set(model, (byPath = new Map()));
  let tokenizer = byPath.get(path);
  if (!tokenizer) byPath.set(path, (tokenizer = readTokenizer(path, { inside: await placesOf(model, path) })));
  return tokenizer;
}

/** Tokenizers stay with the model: every text, baseline and explanation asks for them. */
const tokenizers = new WeakMap<LoadedModel, Map<string, Promise<Tokenizer>>>();

function tokenizerPath(model: LoadedModel, preprocessing: Preprocessing): string | undefined {
  const described = describedText(preprocessing);
  if (!described) return undefined;
  const file = described.input.tokenizer;
  if (file === undefined) return model.beside?.files.tokenizer;
  const beside = model.preprocessing?.path ?? model.path;
  return beside === undefined ? file : resolve(dirname(beside), file);
}

/** Folders that a tokenizer must lie in, where another file names it. */
async function placesOf({ preprocessing, path, beside }: LoadedModel, tokenizer: string) {
  if (beside && tokenizer === beside.files.tokenizer) return beside.folders;
  const naming = preprocessing?.path ?? path;
  return naming === undefined ? undefined : foldersOf(naming);
}

/**
 * A text as input of a model: its token ids, and masks, types and positions where the model takes those.
 * @throws WhereforeError `invalid-argument` without a tokenizer, `out-of-range` for a text that is too long
 */
export async function textInput(
  model: LoadedModel,
  text: string,
  source: string,
  preprocessing: Preprocessing,
  complete: (ids: ReadonlyMap<string, Tensor>) => ModelInput,
): Promise<ModelInput> {
  const described = describedText(preprocessing);
  const tokenizer = described && (await tokenizerOf(model, preprocessing));
  if (!described || !tokenizer) {
    throw new WhereforeError('invalid-argument', 'the model does not say how a text becomes its input', {
      where: source,
      fix: 'put its tokenizer.json beside the model, or name it in a wherefore.yaml there (inputs: input_ids: { kind: text, tokenizer: tokenizer.json })',
    });
  }
  const { ids, texts, special, words } = tokenizer.encode(text);
  const { longest } = described.input;
  if (ids.length === 0) throw new WhereforeError('invalid-argument', 'the text is empty', { where: source });
  if (longest !== undefined && ids.length > longest) {
    throw new WhereforeError('out-of-range', 'the text is too long for the model', {
      where: source,
      got: `${ids.length} tokens`,
      expected: `at most ${longest}`,
      fix: 'shorten the text',
    });
  }
  const count = maxOf(words) + 1;
  const names = Array.from({ length: count }, (_, word) => texts.filter((_, i) => words[i] === word).join(''));
  return {
    ...complete(new Map([[described.name, int64([1, ids.length], ids)]])),
    source,
    hash: createHash('sha256').update(text).digest('hex'),
    features: { names: ids.map((_, i) => `token ${i + 1}`), texts },
    groups: {
      kind: 'words',
      of: words,
      names: names.map((_, word) => `word ${word + 1}`),
      texts: names,
      special: [...new Set(words.filter((_, i) => special[i]))],
    },
    tokenizer,
  };
}
