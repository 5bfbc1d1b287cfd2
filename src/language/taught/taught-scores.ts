import { WhereforeError } from '../../errors.ts';
import type { GradientMaterial } from '../../influence/gradient-material.ts';
import { type Matrix64, rowOf, zeros } from '../../influence/matrix.ts';
import { modelGradients } from '../../influence/model-gradients.ts';
import { score } from '../../influence/score.ts';
import { unknownName } from '../../nearest.ts';
import { splitIds } from '../generate/local-text-model.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { wholeWord } from '../text/whole-word.ts';
import { layerWeights } from './taught-weights.ts';
import { type TokenRow, tokenRows } from './token-rows.ts';
import { traceable } from './traceable.ts';

/** An answer that some texts of the training taught. */
export interface TaughtQuestion {
  readonly prompt: string;
  readonly answer: string;
  /**
   * A word of the prompt and others that could stand there: only what moves the answer for this word and not for the
   * others counts. Without it, texts that teach the answer for everybody come first.
   */
  readonly instead?: { readonly word: string; readonly others: readonly string[] };
}

/** How a method of influence is used here: its parameters, and whether its scores are divided by a row's length. */
interface Use {
  readonly parameters: object;
  readonly byLength: boolean;
}

/** Labels of tokens are those of the data: none are drawn. */
const given = { labels: 'given' };

/** Methods of influence that answer here. */
export const taughtMethods: Readonly<Record<string, Use>> = {
  'ek-fac': { parameters: given, byLength: true },
  'k-fac': { parameters: given, byLength: true },
  'diagonal-fisher': { parameters: given, byLength: true },
  'grad-cos': { parameters: {}, byLength: false },
  logra: { parameters: {}, byLength: true },
  'track-star': { parameters: {}, byLength: false },
};

/** @throws WhereforeError `unknown-name` */
export function taughtMethod(name: string): Use {
  const use = Object.hasOwn(taughtMethods, name) ? taughtMethods[name] : undefined;
  if (!use) throw unknownName('there is no such method to trace an answer with', name, Object.keys(taughtMethods));
  return use;
}

/**
 * A question in tokens: the answer behind its prompt, then behind the prompt with each other word.
 * @throws WhereforeError `unknown-name` where the prompt lacks the word; as `splitIds`
 */
export function askedRows(language: LanguageModel, { prompt, answer, instead }: TaughtQuestion): TokenRow[] {
  const rowOfPrompt = (text: string): TokenRow => {
    const [start, own] = splitIds(language, text, answer);
    return { ids: [...start, ...own], from: start.length };
  };
  if (!instead) return [rowOfPrompt(prompt)];
  const { word, others } = instead;
  if (others.length > 0 && wholeWord(word).test(prompt))
    return [prompt, ...others.map((other) => prompt.replace(wholeWord(word), () => other))].map(rowOfPrompt);
  throw others.length === 0
    ? new WhereforeError('invalid-argument', 'no word is given to compare with', { where: word })
    : new WhereforeError('unknown-name', 'the prompt has no such word', {
        got: `“${word}”`,
        fix: 'write it as it stands there',
      });
}

export interface TaughtScoresOptions {
  /** The model at moments of its training. */
  readonly moments: readonly LanguageModel[];
  readonly rows: readonly TokenRow[];
  /** Of each question, {@link askedRows}. */
  readonly questions: readonly (readonly TokenRow[])[];
  readonly method?: string;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string, share: number) => void;
}

/**
 * How much each training text moves each answer, questions × texts: `Σ_c s_ci / max_j |s_cj|` over the moments c, with
 * `s_ci = ∇f(θ_c) H⁻¹ (−g_i(θ_c)) / ‖g_i(θ_c)‖` over the weights of the layers. Texts count by the direction of their
 * gradient and not by its length, moments alike.
 * @throws WhereforeError as {@link taughtMethod} and {@link modelGradients}
 */
export async function taughtScores(options: TaughtScoresOptions): Promise<Matrix64> {
  const { moments, rows, questions, onProgress = () => undefined } = options;
  const total = zeros(questions.length, rows.length);
  for (const [c, moment] of moments.entries()) {
    onProgress(moment.name, c / moments.length);
    const scores = await scoresAt(moment, options);
    for (let q = 0; q < questions.length; q++) {
      const own = rowOf(scores, q);
      let most = 0;
      for (const value of own) most = Math.max(most, Math.abs(value));
      if (most > 0) for (let i = 0; i < rows.length; i++) total.data[q * rows.length + i] += own[i] / most;
    }
  }
  return total;
}

async function scoresAt(language: LanguageModel, options: TaughtScoresOptions): Promise<Matrix64> {
  const { rows, questions, method = 'ek-fac', seed = 0, signal } = options;
  const { parameters, byLength } = taughtMethod(method);
  const asked = questions.flat();
  const length = [...rows, ...asked].reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const open = await traceable(language);
  const gradients = await modelGradients({
    model: open.model,
    output: open.logits,
    classes: open.tokenizer.size,
    rows: tokenRows(open, rows, length, 'training texts'),
    queries: tokenRows(open, asked, length, 'questions'),
    parameters: await layerWeights(open),
    signal,
  });
  const context = {
    rows: rows.length,
    queries: questions.length,
    seed,
    gradients: againstOthers(gradients, questions),
    ...(signal && { signal }),
  };
  const { values } = await score(method, context, parameters);
  if (!byLength) return values;
  const squares = await gradients.squaredNorms();
  for (let j = 0; j < values.data.length; j++) {
    const square = squares[j % rows.length];
    values.data[j] = square > 0 ? values.data[j] / Math.sqrt(square) : 0;
  }
  return values;
}

/** The same gradients, of each question that of its first row less the mean of the others. */
function againstOthers(gradients: GradientMaterial, questions: TaughtScoresOptions['questions']): GradientMaterial {
  return {
    ...gradients,
    async queries() {
      const all = await gradients.queries();
      const result = zeros(questions.length, all.columns);
      let at = 0;
      for (const [q, { length }] of questions.entries()) {
        const sum = result.data.subarray(q * all.columns, (q + 1) * all.columns);
        sum.set(rowOf(all, at));
        for (let k = 1; k < length; k++) {
          const other = rowOf(all, at + k);
          for (let j = 0; j < sum.length; j++) sum[j] -= other[j] / (length - 1);
        }
        at += length;
      }
      return result;
    },
  };
}
