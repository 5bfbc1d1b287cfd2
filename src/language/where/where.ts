import { checkCausal } from '../cache/causal.ts';
import { generate } from '../generate/generate.ts';
import { refuseEncoderDecoder } from '../model/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { promptIds } from '../model/prompt.ts';
import { exchangedWords } from '../text/exchanged-words.ts';
import { unknownNote } from '../text/unknown-words.ts';
import { questionOf, refuseMasks } from '../why/question.ts';
import { anatomyOf } from './anatomy.ts';
import { type DirectAttribution, directAttribution } from './direct-attribution.ts';
import { type Lens, logitLens } from './lens.ts';
import { logitWeights } from './logit-weights.ts';
import { activationPatching, type Patching } from './patching.ts';
import { type SteeringTexts, steered, steeringOf } from './steering.ts';

export interface WhereOptions {
  readonly prompt: string;
  /** Its first token is looked at; default: the one that the model says. */
  readonly answer?: string;
  /** The first token of another answer: what is looked at is then the difference of the two logits. */
  readonly against?: string;
  /** Words of the prompt and what takes their place in the corrupted text: values are exchanged between the two. */
  readonly corrupt?: ReadonlyMap<string, string>;
  readonly steering?: SteeringTexts & {
    /** Multiples of the direction that are tried, beside 0; default −1 and 1. */
    readonly strengths?: readonly number[];
    readonly maxTokens?: number;
  };
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string) => void;
}

/** Where in a model an answer is made: everything that a page shows. */
export interface WhereDocument {
  readonly format: 'wherefore/language-where';
  readonly version: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly prompt: string;
  /** The tokens of the prompt as they are read. */
  readonly tokens: readonly string[];
  /** What is looked at behind the last token. */
  readonly answer: string;
  readonly against?: string;
  readonly lens: Lens;
  readonly direct: DirectAttribution;
  readonly patching?: {
    readonly corruption: string;
    readonly tokens: readonly string[];
    readonly grids: readonly PatchedGrid[];
  };
  readonly steering?: SteeringResult;
  readonly notes: readonly string[];
}

export interface PatchedGrid extends Patching {
  /** What is exchanged. */
  readonly what: 'residual stream' | 'attention output' | 'MLP output';
}

/** What the model writes with its stream moved. */
export interface SteeringResult extends SteeringTexts {
  readonly layer: number;
  readonly length: number;
  readonly streamLength: number;
  readonly texts: readonly { readonly strength: number; readonly text: string }[];
}

/**
 * Where in the model an answer is made: the logit lens at every layer and token, what each block writes toward the
 * answer's logit, which values break or restore it when they are exchanged with those of a corrupted text, and what the
 * model writes with its stream moved along a direction.
 * @throws WhereforeError `invalid-argument`, `unknown-name` for a word that is not in the prompt, `unsupported-model`
 * @example
 * const document = await whereInModel(language, { prompt: 'Tom had a red', corrupt: new Map([['red', 'big']]) });
 */
export async function whereInModel(language: LanguageModel, options: WhereOptions): Promise<WhereDocument> {
  refuseEncoderDecoder(language);
  const { prompt, answer, against, corrupt, steering, signal, onProgress = () => undefined } = options;
  const question = await questionOf(language, { prompt, answer, against, maxTokens: 1, signal });
  refuseMasks(question, language);
  await checkCausal(language);
  const { ids, texts, special, tokens } = question.encoded;
  const weights = logitWeights(question);
  onProgress('logit lens');
  const lens = await logitLens(language, ids, signal);
  const direct = await directAttribution(language, ids, { position: ids.length - 1, weights });
  const patching = corrupt?.size
    ? await patched(language, { question: { prompt, ids, weights }, corrupt, signal, onProgress })
    : undefined;
  return {
    format: 'wherefore/language-where',
    version: 1,
    model: { name: language.name, hash: language.model.hash },
    prompt,
    tokens: texts.map((text, i) => (special[i] ? tokens[i] : text)),
    answer: question.answer.texts[0],
    against: question.against?.texts[0],
    lens,
    direct,
    patching,
    steering: steering && (await steeringTexts(language, prompt, steering, { signal, onProgress })),
    notes: [
      ...language.notes,
      ...unknownNote(language, [prompt, answer ?? '', against ?? '', ...(corrupt?.values() ?? [])]),
      ...direct.notes,
    ],
  };
}

interface Patch {
  readonly question: {
    readonly prompt: string;
    readonly ids: readonly number[];
    readonly weights: ReadonlyMap<number, number>;
  };
  readonly corrupt: ReadonlyMap<string, string>;
  readonly signal?: AbortSignal;
  readonly onProgress: (what: string) => void;
}

async function patched(language: LanguageModel, { question, corrupt, signal, onProgress }: Patch) {
  const { prompt, ids, weights } = question;
  const other = exchangedWords(prompt, corrupt);
  const corruptedIds = promptIds(language, other);
  const { residuals, contributions } = await anatomyOf(language);
  const kinds: readonly [PatchedGrid['what'], readonly { name: string; value: string }[]][] = [
    ['residual stream', residuals],
    ['attention output', contributions.filter(({ kind }) => kind === 'attention')],
    ['MLP output', contributions.filter(({ kind }) => kind === 'mlp')],
  ];
  const grids: PatchedGrid[] = [];
  for (const [what, values] of kinds) {
    if (values.length === 0) continue;
    onProgress(`patching: ${what}`);
    const request = { clean: ids, corrupted: corruptedIds, values, weights, signal };
    grids.push({ what, ...(await activationPatching(language, request)) });
  }
  const corruption = [...corrupt].map(([word, other]) => `"${word}" → "${other}"`).join(', ');
  return { corruption, tokens: language.tokenizer.encode(other).texts.slice(0, ids.length), grids };
}

async function steeringTexts(
  language: LanguageModel,
  prompt: string,
  { toward, away, layer, strengths = [-1, 1], maxTokens = 40 }: NonNullable<WhereOptions['steering']>,
  { signal, onProgress }: Pick<Patch, 'signal' | 'onProgress'>,
): Promise<SteeringResult> {
  onProgress('steering');
  const steering = await steeringOf(language, { toward, away, layer }, signal);
  const texts = [];
  for (const strength of [...new Set([...strengths, 0])].sort((a, b) => a - b)) {
    const model = strength === 0 ? language : steered(language, steering, strength);
    texts.push({ strength, text: (await generate(model, prompt, { maxTokens, signal })).text });
  }
  const { length, streamLength } = steering;
  return { toward, away, layer: steering.layer, length, streamLength, texts };
}
