import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { trainClassifier } from '../../examples/language/shortcut.ts';
import { specialWords, wordTokenizer } from '../../examples/language/tokenizer.ts';
import { type ConceptModelDocument, fitConceptModel } from '../../src/language/concepts/concept-model.ts';
import { type Concept, type ConceptScorer, wordScorer } from '../../src/language/concepts/score-concepts.ts';
import type { LabelledText } from '../../src/language/shortcut/swapped-copies.ts';
import { attributedTexts, openTextClassifier } from '../../src/language/shortcut/text-classifier.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';

// Six concepts that make the label, three for and three against it, and six that do not.
const signs = [1.5, 1.2, 1, -1, -1.2, -1.5, 0, 0, 0, 0, 0, 0] as const;
export const knownConceptList: Concept[] = signs.map((sign, k) => ({
  name: `${sign === 0 ? 'distractor' : 'true'} ${k}`,
  words: ['a', 'b', 'c', 'd'].map((letter) => `c${k}${letter}`),
}));
const fillers = Array.from({ length: 30 }, (_, i) => `w${i}`);
const length = 16;

export function conceptTexts(count: number, seed: number): LabelledText[] {
  const source = random(seed);
  return Array.from({ length: count }, () => {
    const words = Array.from({ length }, () => fillers[source.integer(fillers.length)]);
    let sum = 0;
    for (const [k, { words: own = [] }] of knownConceptList.entries()) {
      if (source.uniform() > 0.4) continue;
      words[k] = own[source.integer(own.length)];
      sum += signs[k];
    }
    return { text: words.join(' '), label: sum + 0.5 * source.normal() > 0 ? 'yes' : 'no' };
  });
}

/** Scores that are off as a model's are: seldom quite sure, and sometimes wrong. */
function unsure(exact: ConceptScorer, seed: number, wrong: number): ConceptScorer {
  const source = random(seed);
  return async (text, concept) => {
    const has = (await exact(text, concept)) === (source.uniform() < wrong ? 0 : 1);
    return has ? 0.7 + 0.3 * source.uniform() : 0.3 * source.uniform();
  };
}

export interface KnownConcepts {
  /** True concepts that are found with their sign. */
  readonly right: number;
  readonly trueSizes: readonly number[];
  readonly otherSizes: readonly number[];
  readonly fit: ConceptModelDocument;
}

/**
 * Fits six true concepts among six others, beside a network that reads the words: with scores that are never on the wrong
 * side, and with scores that are in 4 %.
 */
export async function knownConcepts(
  folder: string,
  { seed, count, runtime }: { readonly seed: number; readonly count: number; readonly runtime: Runtime },
): Promise<{ readonly sure: KnownConcepts; readonly unsure: KnownConcepts }> {
  const texts = conceptTexts(count, seed);
  const words = [...specialWords, ...fillers, ...knownConceptList.flatMap(({ words: own = [] }) => own)];
  const classes = ['no', 'yes'];
  const taught = conceptTexts(1200, seed + 1000);
  const network = await trainClassifier({ texts: taught, words, classes, epochs: 8, seed, runtime });
  writeFileSync(join(folder, 'model.onnx'), encodeModel(network));
  writeFileSync(join(folder, 'tokenizer.json'), wordTokenizer(words));
  const language = await openTextClassifier(folder, { runtime });
  const read = texts.map(({ text }) => text);
  const blackBox = (await attributedTexts(language, read)).map(({ predicted }) => classes[predicted]);
  await language.close();
  const fitted = async (wrong: number) => {
    const scores = unsure(wordScorer(knownConceptList), seed + 2, wrong);
    return against(await fitConceptModel(texts, knownConceptList, scores, { blackBox }));
  };
  return { sure: await fitted(0), unsure: await fitted(0.04) };
}

function against(fit: ConceptModelDocument): KnownConcepts {
  const signOf = (name: string) => signs[knownConceptList.findIndex((concept) => concept.name === name)];
  const weightOf = ({ weights }: { readonly weights: readonly number[] }) => weights[1] - weights[0];
  const sizes = (isTrue: boolean) =>
    fit.concepts
      .filter(({ name }) => (signOf(name) !== 0) === isTrue)
      .map((one) => Math.abs(weightOf(one)))
      .sort((a, b) => a - b);
  return {
    right: fit.concepts.filter((one) => signOf(one.name) * weightOf(one) > 0).length,
    trueSizes: sizes(true),
    otherSizes: sizes(false),
    fit,
  };
}
