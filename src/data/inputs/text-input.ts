import { WhereforeError } from '../../errors.ts';
import { requiredInputs } from '../../onnx/graph.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { int64, type Tensor } from '../../tensor/tensor.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing, TextInput } from '../model/preprocessing.ts';
import { describedText } from './described-text.ts';
import { emptyToken } from './empty-token.ts';
import type { ModelInput } from './model-input.ts';
import { type EncodedText, filledUp, partsOfText, type TextLimits } from './text-length.ts';
import type { Tokenizer } from './tokenizer.ts';
import { tokenizerOf } from './tokenizer-of.ts';

/**
 * A text as input of a model: its token ids, and masks, types and positions where the model takes those. A text that is
 * longer than the model takes is cut, or read in windows that overlap, each an input; a shorter one is filled up where
 * the model always takes the same number of tokens, or its `wherefore.yaml` states one (`length`).
 * @throws WhereforeError `invalid-argument` without a tokenizer, `out-of-range` for a text that cannot be made to fit
 */
export async function textInputs(
  model: LoadedModel,
  text: string,
  source: string,
  preprocessing: Preprocessing,
  complete: (tensors: ReadonlyMap<string, Tensor>) => ModelInput,
): Promise<ModelInput[]> {
  const described = describedText(preprocessing);
  const tokenizer = described && (await tokenizerOf(model, preprocessing));
  if (!described || !tokenizer) {
    throw new WhereforeError('invalid-argument', 'the model does not say how a text becomes its input', {
      where: source,
      fix: 'put its tokenizer.json beside the model, or name it in a wherefore.yaml there (inputs: input_ids: { kind: text, tokenizer: tokenizer.json })',
    });
  }
  const whole = tokenizer.encode(text);
  if (whole.ids.length === 0) throw new WhereforeError('invalid-argument', 'the text is empty', { where: source });
  const always = requiredInputs(model.graph).find(({ name }) => name === described.name)?.shape?.[1];
  const exactly = typeof always === 'number' ? always : described.input.length;
  const limits = limitsOf(model, described, tokenizer.limits, exactly);
  const parts = partsOfText(whole, limits);
  const hash = contentHash([text]);
  return parts.map(({ encoded, leftOut }, i) => {
    const filled = exactly === undefined ? encoded : filledUp(encoded, exactly, paddingOf(tokenizer, source));
    const input = complete(tensorsOf(preprocessing, described.name, filled.ids, encoded.ids.length));
    const side = limits.cutAt === 'left' ? 'beginning' : 'end';
    const notes = [
      ...(leftOut > 0
        ? [
            `longer than the ${limits.longest} tokens that the model takes: ${leftOut} of ${whole.ids.length} left out at its ${side}`,
          ]
        : []),
      ...(parts.length > 1
        ? [
            `window ${i + 1} of ${parts.length}: the text has ${whole.ids.length} tokens, the model takes ${limits.longest}`,
          ]
        : []),
      ...(filled === encoded ? [] : [`filled up from ${encoded.ids.length} to ${exactly} tokens`]),
    ];
    return {
      ...input,
      ...shownTokens(filled),
      source: parts.length > 1 ? `${source}, window ${i + 1}` : source,
      hash,
      tokenizer,
      notes: [...notes, ...input.notes],
    };
  });
}

/** The smallest limit that anybody names; a length in `wherefore.yaml` counts before those of the tokenizer. */
function limitsOf(
  { beside, preprocessing }: LoadedModel,
  { name, input: { longest, overlap } }: { readonly name: string; readonly input: TextInput },
  ofTokenizer: TextLimits,
  exactly: number | undefined,
): TextLimits {
  const stated = name in (preprocessing?.preprocessing.inputs ?? {}) ? longest : undefined;
  const known = stated === undefined ? [longest, ofTokenizer.longest, beside?.texts?.longest] : [stated];
  const limits = [...known, exactly].filter((limit) => limit !== undefined);
  return {
    longest: limits.length > 0 ? minOf(limits) : undefined,
    cutAt: ofTokenizer.cutAt ?? beside?.texts?.cutAt,
    overlap: overlap ?? ofTokenizer.overlap,
  };
}

function paddingOf(tokenizer: Tokenizer, source: string): { id: number; token: string } {
  const padding = emptyToken(tokenizer, 'pad');
  if (padding) return padding;
  throw new WhereforeError(
    'out-of-range',
    'the model always takes the same number of tokens, and there is none to fill up with',
    {
      where: source,
      expected: 'a tokenizer with a padding token',
    },
  );
}

/** The ids, and masks: 1 at the tokens of the text, 0 at what was filled up. */
function tensorsOf(
  { inputs }: Preprocessing,
  name: string,
  ids: readonly number[],
  count: number,
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>([[name, int64([1, ids.length], [...ids])]]);
  for (const [other, input] of Object.entries(inputs)) {
    if (input.kind === 'text' && input.part === 'mask')
      tensors.set(
        other,
        int64(
          [1, ids.length],
          ids.map((_, i) => Number(i < count)),
        ),
      );
  }
  return tensors;
}

function shownTokens({ ids, texts, special, words }: EncodedText): Pick<ModelInput, 'features' | 'groups'> {
  const names = new Array<string>(maxOf(words) + 1).fill('');
  for (const [i, word] of words.entries()) names[word] += texts[i];
  for (const [word, count] of paddings(words, special)) names[word] = `${texts[words.indexOf(word)]} ×${count}`;
  return {
    features: { names: ids.map((_, i) => `token ${i + 1}`), texts: [...texts] },
    groups: {
      kind: 'words',
      of: words,
      names: names.map((_, word) => `word ${word + 1}`),
      texts: names,
      special: [...new Set(words.filter((_, i) => special[i]))],
    },
  };
}

/** Words that are several special tokens (a text is filled up with one word of them), and how many. */
function paddings(words: readonly number[], special: readonly boolean[]): [word: number, count: number][] {
  const counts = new Map<number, number>();
  for (const [i, word] of words.entries()) if (special[i]) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1);
}
