import { WhereforeError } from '../../errors.ts';
import { checkCausal } from '../cache/causal.ts';
import { generate } from '../generate/generate.ts';
import { splitIds } from '../generate/local-text-model.ts';
import { refuseEncoderDecoder } from '../model/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { promptIds } from '../model/prompt.ts';
import { unknownNote } from '../text/unknown-words.ts';
import { chosenSite, type EditLayers, type TriedSite } from './chosen-site.ts';
import { divergenceOf, largestAt, logsOf } from './next-tokens.ts';
import { type FactInTokens, randomDirection, scaledTo, withRankOne } from './rank-one.ts';

export interface EditFactOptions {
  /** The text that the answer is to follow, such as `the box that Ann keeps is`. */
  readonly prompt: string;
  /** Whom or what the fact is about, as it stands in the prompt. */
  readonly subject: string;
  /** What is to follow, beginning with a space where one belongs there. */
  readonly answer: string;
  /** Texts of the kind that the model was made for: they tell which keys occur, and how well it writes. */
  readonly texts: readonly string[];
  /** Other ways to ask for the same. */
  readonly paraphrases?: readonly string[];
  /** Prompts about others, whose answers should stay. */
  readonly neighbours?: readonly string[];
  /**
   * Layer of the MLP, or the first and the last of several that are tried. Default: each is tried, of more than four some
   * from all over those whose MLP can change the answer by its gradient; of those that bring the answer the one that changes the texts least is taken.
   */
  readonly layer?: EditLayers;
  /**
   * The token at which it is edited: the last of the subject, or of the prompt. Default: of the subject, and of the prompt
   * where no layer brings the answer from there.
   */
  readonly at?: 'subject' | 'last';
  /** Random directions and values beside the edit; default 3. */
  readonly controls?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string) => void;
}

/** What an edit does, and what it does besides. */
export interface EditEffect {
  readonly name: string;
  /** log p of the new answer behind the prompt, in nats. */
  readonly logProbability: number;
  /** Whether the model writes it there. */
  readonly efficacy: number;
  /** Share of the paraphrases behind which the new answer is more probable than the old one; null where there are none. */
  readonly paraphrases: number | null;
  /** Share of the neighbours whose most probable next token changed; null where there are none. */
  readonly neighboursChanged: number | null;
  /** Mean of KL(before ‖ after) of the next token behind the neighbours, in nats. */
  readonly neighboursKl: number | null;
  /** exp of the mean −log p over the tokens of the texts. */
  readonly perplexity: number;
}

export interface EditDocument {
  readonly format: 'wherefore/language-edit';
  readonly version: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly prompt: string;
  readonly subject: string;
  readonly answer: string;
  /** What the model wrote before, as many tokens. */
  readonly before: string;
  readonly layer: number;
  /** The token at which the MLP is edited: the last of the subject, or of the prompt. */
  readonly at: string;
  /** Where an edit was tried, the one that was taken among them. */
  readonly sites: readonly TriedSite[];
  /** Before, the edit, and controls. */
  readonly effects: readonly EditEffect[];
  readonly notes: readonly string[];
}

/**
 * Makes a model say something else of one subject by a rank-one change of one MLP's weights, `ΔW = u vᵀ` with
 * `u = C⁻¹k / kᵀC⁻¹k`, and tells what else changes: paraphrases, neighbours, perplexity, beside edits that reach the same
 * prompt in a random direction, and one with a random value. The model that is returned shares the sessions of the first.
 * @source Meng et al. 2022, "Locating and editing factual associations in GPT", arXiv 2202.05262
 * @throws WhereforeError `unknown-name` for a subject that the prompt does not hold, `invalid-data` for no texts,
 * `out-of-range` for a layer that is not there, `unsupported-model`
 */
export async function editFact(
  language: LanguageModel,
  options: EditFactOptions,
): Promise<{ readonly edited: LanguageModel; readonly document: EditDocument }> {
  refuseEncoderDecoder(language);
  await checkCausal(language);
  const { prompt, subject, answer, controls = 3, seed = 0, signal, onProgress = () => undefined } = options;
  const fact = factIn(language, options);
  const texts = options.texts.map((text) => promptIds(language, text)).filter((ids) => ids.length > 1);
  if (texts.length === 0) {
    throw new WhereforeError('invalid-data', 'there are no texts to learn from which keys occur', {
      fix: 'give some dozens of texts of the kind that the model was made for',
    });
  }
  const { text: before } = await generate(language, prompt, { maxTokens: fact.answer.length, signal });
  const asked = { language, fact, texts, ...questionsOf(language, options, before), signal };
  const { found, chosen, direction, notes } = await chosenSite(language, fact, { ...options, texts }, onProgress);
  const { site, value, key, position, brings } = chosen;
  const edited = withRankOne(language, site, { direction, value });
  const effects: EditEffect[] = [];
  const judge = async (name: string, model: LanguageModel) => {
    onProgress(name);
    effects.push(await effectOf(name, model, asked));
  };
  await judge('before', language);
  await judge('edit', edited);
  await judge(
    'without the keys of the texts (C = 1)',
    withRankOne(language, site, { direction: scaledTo(key, key), value }),
  );
  for (let c = 0; c < controls; c++)
    await judge(
      `random direction ${c + 1}`,
      withRankOne(language, site, { direction: randomDirection(key, seed + c), value }),
    );
  for (let c = 0; c < controls; c++) {
    const other = randomDirection(Float64Array.from(value), seed + 100 + c);
    const scale = length(value) / length(other);
    await judge(
      `random value ${c + 1}`,
      withRankOne(language, site, { direction, value: other.map((one) => one * scale) }),
    );
  }
  return {
    edited,
    document: {
      format: 'wherefore/language-edit',
      version: 1,
      model: { name: language.name, hash: language.model.hash },
      prompt,
      subject,
      answer,
      before,
      layer: site.layer,
      at: language.tokenizer.textOf(fact.prompt[position]),
      sites: found.map((one) => ({
        layer: one.site.layer,
        at: language.tokenizer.textOf(fact.prompt[one.position]),
        logProbability: one.logProbability,
        textsKl: one.textsKl ?? null,
        chosen: one === chosen,
      })),
      effects,
      notes: [
        ...language.notes,
        ...unknownNote(language, [prompt, answer]),
        ...notes,
        ...(position === fact.position
          ? []
          : ['edited at the last token of the prompt: that changes an answer, not what is known of the subject']),
        ...(brings ? [] : ['no value that is added in one MLP brings the answer: the edit is the best there is']),
        `${texts.length} texts say which keys occur; an edit is written for one prompt and holds for others as far as their key is alike`,
      ],
    },
  };
}

const length = (values: Float64Array): number => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0));

/** The fact in tokens; the MLP is asked at the last token of the subject. */
function factIn(language: LanguageModel, { prompt, subject, answer }: EditFactOptions): FactInTokens {
  const [ids, own] = splitIds(language, prompt, answer);
  const start = subject === '' ? -1 : prompt.lastIndexOf(subject);
  if (start < 0) {
    throw new WhereforeError('unknown-name', 'the prompt does not hold the subject', {
      got: subject,
      expected: prompt,
      fix: 'write it as it stands there',
    });
  }
  const { spans } = language.tokenizer.encode(prompt);
  const end = start + subject.length;
  const position = spans.findLastIndex(
    (span, i) => i < ids.length && span !== undefined && span[0] < end && span[1] > start,
  );
  return { prompt: ids, position, answer: own };
}

interface AskedQuestions {
  readonly paraphrases: readonly {
    readonly ids: readonly number[];
    readonly answers: readonly (readonly number[])[];
  }[];
  readonly neighbours: readonly (readonly number[])[];
}

function questionsOf(
  language: LanguageModel,
  { answer, paraphrases = [], neighbours = [] }: EditFactOptions,
  before: string,
): AskedQuestions {
  return {
    paraphrases: paraphrases.map((text) => ({
      ids: promptIds(language, text),
      answers: [answer, before].map((one) => splitIds(language, text, one)[1]),
    })),
    neighbours: neighbours.map((text) => promptIds(language, text)),
  };
}

async function effectOf(
  name: string,
  model: LanguageModel,
  {
    language,
    fact,
    texts,
    paraphrases,
    neighbours,
    signal,
  }: AskedQuestions & {
    readonly language: LanguageModel;
    readonly fact: FactInTokens;
    readonly texts: readonly (readonly number[])[];
    readonly signal?: AbortSignal;
  },
): Promise<EditEffect> {
  const [own] = await logProbabilities(model, [fact], signal);
  let better = 0;
  for (const { ids: prompt, answers } of paraphrases) {
    const [now, old] = await logProbabilities(
      model,
      answers.map((answer) => ({ prompt, answer })),
      signal,
    );
    better += Number(now.sum > old.sum);
  }
  const [before, after] = [await logsOf(language, neighbours, signal), await logsOf(model, neighbours, signal)];
  let [changed, divergence] = [0, 0];
  for (const [n, { length }] of neighbours.entries()) {
    const [a, b] = [before[n](length - 1), after[n](length - 1)];
    changed += Number(largestAt(a) !== largestAt(b));
    divergence += divergenceOf(a, b);
  }
  const read = texts.map((ids) => ({ prompt: ids.slice(0, 1), answer: ids.slice(1) }));
  let [nats, count] = [0, 0];
  for (const [i, { sum }] of (await logProbabilities(model, read, signal)).entries()) {
    nats -= sum;
    count += read[i].answer.length;
  }
  const share = (part: number, of: readonly unknown[]) => (of.length === 0 ? null : part / of.length);
  return {
    name,
    logProbability: own.sum,
    efficacy: Number(own.isGreedy),
    paraphrases: share(better, paraphrases),
    neighboursChanged: share(changed, neighbours),
    neighboursKl: share(divergence, neighbours),
    perplexity: Math.exp(nats / count),
  };
}

/** An answer behind a prompt. */
interface Continued {
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
}

/** Σ log p of answers, and whether each of their tokens is the most probable one. */
async function logProbabilities(model: LanguageModel, asked: readonly Continued[], signal?: AbortSignal) {
  const all = await logsOf(
    model,
    asked.map(({ prompt, answer }) => [...prompt, ...answer.slice(0, -1)]),
    signal,
  );
  return asked.map(({ prompt, answer }, i) => {
    let [sum, isGreedy] = [0, true];
    for (const [j, token] of answer.entries()) {
      const logs = all[i](prompt.length - 1 + j);
      sum += logs[token];
      isGreedy &&= largestAt(logs) === token;
    }
    return { sum, isGreedy };
  });
}
