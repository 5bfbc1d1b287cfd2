import { emptyToken } from '../../data/inputs/empty-token.ts';
import { WhereforeError } from '../../errors.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { wholeWord } from '../text/whole-word.ts';
import type { EmbeddingProgram } from './embedding-program-type.ts';
import type { Question } from './question.ts';

/** What stands in place of the vectors of the prompt's tokens where they say nothing. Special tokens and the part that is kept stay as they are. */
export interface TokenBaseline {
  readonly name: string;
  /** `tokens × width` */
  readonly vectors: Float32Array;
}

/** Tokens of the vocabulary that a mean is taken over. */
const meanOver = 4096;

/** Texts that say little, where one token holds them. */
const fillers = ['.', ',', ' the', '\n'];

/**
 * Baselines to choose from: the vectors of tokens that stand for nothing, the mean vector, and zero, which stands last
 * since norms without a mean are singular there.
 */
export async function baselineCandidates(
  { tokenizer }: LanguageModel,
  program: EmbeddingProgram,
  question: Question,
): Promise<TokenBaseline[]> {
  const tokens = new Map<number, string>();
  for (const kind of ['pad', 'mask', 'unk'] as const) {
    const found = emptyToken(tokenizer, kind);
    if (found) tokens.set(found.id, `token "${found.token}"`);
  }
  for (const text of fillers) {
    const { ids } = tokenizer.encode(text, { special: false });
    const id = ids.at(-1);
    if (id !== undefined && ids.length <= 2 && tokenizer.textOf(id).trim() === text.trim() && text.trim() !== '')
      tokens.set(id, `token "${tokenizer.textOf(id)}"`);
  }
  const everywhere = (name: string, vector: Float32Array) => ({
    name,
    vectors: replaced(program, question.stays, () => vector),
  });
  const found: TokenBaseline[] = [];
  for (const [id, name] of tokens) found.push(everywhere(name, await program.vectorsOf([id])));
  const count = Math.min(meanOver, tokenizer.size);
  const sample = Array.from({ length: count }, (_, i) => Math.floor((i * tokenizer.size) / count));
  const mean = meanRow(await program.vectorsOf(sample), program.width);
  found.push(everywhere(`mean of ${count === tokenizer.size ? 'all' : count} tokens`, mean));
  found.push(everywhere('zero', new Float32Array(program.width)));
  return found;
}

/**
 * The baseline that alternatives make: a token with an alternative stands half-way between its two forms, every other
 * one as it is. What is asked is then only what makes the difference between the forms.
 * @param alternatives word of the prompt → the word that could stand there
 * @throws WhereforeError `unknown-name` for a word that is not there, `invalid-argument` where both forms do not have
 *   equally many tokens
 */
export async function alternativeBaseline(
  { tokenizer }: LanguageModel,
  program: EmbeddingProgram,
  { prompt, encoded }: Question,
  alternatives: ReadonlyMap<string, string>,
): Promise<TokenBaseline> {
  const vectors = program.vectors.slice();
  const { width } = program;
  for (const [word, other] of alternatives) {
    const places = [...prompt.matchAll(wholeWord(word))];
    if (places.length === 0) {
      throw new WhereforeError('unknown-name', 'the prompt has no such word', {
        got: `“${word}”`,
        fix: 'write it as it stands there, without the space before it',
      });
    }
    const forms = places.map(({ index }) => prompt.slice(0, index) + other + prompt.slice(index + word.length));
    for (const [k, { index }] of places.entries()) {
      const own = tokensIn(encoded.spans, index, index + word.length);
      const there = tokenizer.encode(forms[k]);
      const others = tokensIn(there.spans, index, index + other.length);
      if (own.length !== others.length || own.length === 0) {
        throw new WhereforeError('invalid-argument', 'a word and its alternative do not have equally many tokens', {
          got: `"${word}" ${own.length}, "${other}" ${others.length}`,
          fix: 'give another alternative',
        });
      }
      const found = await program.vectorsOf(others.map((i) => there.ids[i]));
      for (const [j, token] of own.entries())
        for (let d = 0; d < width; d++)
          vectors[token * width + d] = (program.vectors[token * width + d] + found[j * width + d]) / 2;
    }
  }
  const named = [...alternatives].map(([word, other]) => `"${word}" and "${other}"`).join(', ');
  return { name: `half-way between ${named}`, vectors };
}

function tokensIn(spans: Question['encoded']['spans'], start: number, end: number): number[] {
  return spans.flatMap((span, i) => (span && span[1] > span[0] && span[0] >= start && span[1] <= end ? [i] : []));
}

function replaced(
  { vectors, width }: Pick<EmbeddingProgram, 'vectors' | 'width'>,
  stays: readonly boolean[],
  vectorOf: (token: number) => Float32Array,
): Float32Array {
  const all = vectors.slice();
  for (const [i, keeps] of stays.entries()) if (!keeps) all.set(vectorOf(i), i * width);
  return all;
}

function meanRow(rows: Float32Array, width: number): Float32Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) mean[i % width] += rows[i];
  const result = new Float32Array(width);
  for (let d = 0; d < width; d++) result[d] = (mean[d] * width) / rows.length;
  return result;
}
