import { WhereforeError } from '../../errors.ts';
import { atOnce } from '../../evaluation/at-once.ts';
import type { Interval } from '../../evaluation/statistics.ts';
import { permutation, random } from '../../tensor/random.ts';
import { shareWithInterval } from '../audit/estimates.ts';
import type { LabelledText } from '../shortcut/swapped-copies.ts';
import type { Concept, ConceptScorer } from './score-concepts.ts';
import { selectConcepts } from './select-concepts.ts';
import { chosenPenalty, classOf, type LinearClassifier, logitsOf, sparseLogistic } from './sparse-logistic.ts';

export interface ConceptModelOptions {
  /** Concepts that are kept before the penalty chooses among them. Default all. */
  readonly most?: number;
  /** Share of the texts that is held out to test on. Default .3. */
  readonly held?: number;
  /** Labels that another model gave each text: the black box that is compared with. */
  readonly blackBox?: readonly string[];
  /** Texts that are scored at once. Default 2. */
  readonly atOnce?: number;
  readonly seed?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A concept in the model. */
export interface ConceptWeight {
  readonly name: string;
  /** One weight a class; all 0 where the concept is not used. */
  readonly weights: readonly number[];
  readonly information: number;
  /** Share of texts that have it. */
  readonly coverage: number;
  /** Texts of the test that change class where the concept is set to 0 in those that have it. */
  readonly matters: number;
}

/** A classifier that goes by concepts alone, which a person can read and change: `ŷ = argmax W c + b`. */
export interface ConceptModel {
  readonly classes: readonly string[];
  readonly concepts: readonly Concept[];
  readonly classifier: LinearClassifier;
}

export interface ConceptModelDocument {
  readonly format: 'wherefore/concept-model';
  readonly version: 1;
  readonly model: ConceptModel;
  readonly concepts: readonly ConceptWeight[];
  readonly penalty: number;
  readonly trained: number;
  readonly tested: number;
  /** On held-out texts: with concepts from 0 to 1, and with concepts as yes or no. */
  readonly soft: Interval;
  readonly hard: Interval;
  /** `soft − hard`: what scores tell beyond the concept being there. */
  readonly leakage: number;
  readonly blackBox?: Interval;
  /** The most frequent class. */
  readonly constant: number;
  /** Held-out texts with their scores, for a reader to look into. */
  readonly examples: readonly {
    readonly text: string;
    readonly label: string;
    readonly scores: readonly number[];
    readonly says: string;
  }[];
  readonly notes: readonly string[];
}

/** Texts that a document lists. */
const mostExamples = 12;

/**
 * Fits a classifier that goes by concepts alone: scores every text for every concept, keeps those that tell something and
 * do not all stand in the same texts, and puts a sparse linear map on top, tested on texts that were held out.
 * @throws WhereforeError `invalid-data` for fewer than 40 texts, one label, or two concepts of one name
 * @source Koh et al. 2020, arXiv 2007.04612; leakage: Mahinpei et al. 2021, arXiv 2106.13314
 */
export async function fitConceptModel(
  texts: readonly LabelledText[],
  concepts: readonly Concept[],
  scorer: ConceptScorer,
  options: ConceptModelOptions = {},
): Promise<ConceptModelDocument> {
  const classes = [...new Set(texts.map(({ label }) => label))].sort();
  check(texts, concepts, classes);
  const { most = concepts.length, held = 0.3, seed = 0, onProgress } = options;
  let done = 0;
  const scores = await atOnce(texts, options.atOnce ?? 2, async ({ text }) => {
    const row: number[] = [];
    for (const concept of concepts) row.push(await scorer(text, concept));
    onProgress?.(++done, texts.length);
    return row;
  });
  const labels = texts.map(({ label }) => classes.indexOf(label));
  const order = [...permutation(texts.length, random(seed, 2))];
  const tested = order.slice(0, Math.round(held * texts.length));
  const trained = order.slice(tested.length);
  const of = <T>(values: readonly T[], rows: readonly number[]) => rows.map((i) => values[i]);
  const chosen = selectConcepts(of(scores, trained), of(labels, trained), most);
  const kept = chosen.map(({ index }) => index);
  const columns = (row: readonly number[]) => kept.map((k) => row[k]);
  const rounded = (row: readonly number[]) => row.map((c) => Number(c >= 0.5));
  const soft = scores.map(columns);
  const hard = soft.map(rounded);
  const penalty = chosenPenalty(of(soft, trained), of(labels, trained), classes.length, seed);
  const fitted = (rows: readonly (readonly number[])[]) =>
    sparseLogistic(of(rows, trained), of(labels, trained), classes.length, { penalty });
  const classifier = fitted(soft);
  const onHard = fitted(hard);
  const accuracy = (with_: LinearClassifier, rows: readonly (readonly number[])[]) =>
    shareWithInterval(tested.filter((i) => classOf(with_, rows[i]) === labels[i]).length, tested.length);
  const weights = chosen.map(({ index, information, coverage }, k): ConceptWeight => {
    const without = (row: readonly number[]) => row.map((c, j) => (j === k ? 0 : c));
    const changed = tested.filter(
      (i) => hard[i][k] === 1 && classOf(classifier, without(soft[i])) !== classOf(classifier, soft[i]),
    );
    const { name } = concepts[index];
    return { name, weights: classifier.weights.map((row) => row[k]), information, coverage, matters: changed.length };
  });
  const [softly, hardly] = [accuracy(classifier, soft), accuracy(onHard, hard)];
  const counts = classes.map((_, y) => of(labels, tested).filter((label) => label === y).length);
  const { blackBox } = options;
  const boxHits = blackBox && tested.filter((i) => blackBox[i] === texts[i].label).length;
  return {
    format: 'wherefore/concept-model',
    version: 1,
    model: { classes, concepts: kept.map((k) => concepts[k]), classifier },
    concepts: weights,
    penalty,
    trained: trained.length,
    tested: tested.length,
    soft: softly,
    hard: hardly,
    leakage: softly.mean - hardly.mean,
    ...(boxHits !== undefined && { blackBox: shareWithInterval(boxHits, tested.length) }),
    constant: counts.reduce((a, b) => Math.max(a, b), 0) / tested.length,
    examples: tested.slice(0, mostExamples).map((i) => ({
      text: texts[i].text,
      label: texts[i].label,
      scores: soft[i],
      says: classes[classOf(classifier, soft[i])],
    })),
    notes: [`the penalty, ${penalty}, is the strongest within one standard error of the best on held-out fifths`],
  };
}

/** What a person changes: scores of single concepts for one text, or concepts that are taken from the model. */
export interface ConceptEdit {
  /** Name → score from 0 to 1. */
  readonly set?: Readonly<Record<string, number>>;
  readonly without?: readonly string[];
}

export interface ConceptPrediction {
  readonly says: string;
  readonly logits: readonly number[];
  readonly scores: readonly number[];
}

/**
 * What a concept model says of scores, with some of them set and some concepts taken away.
 * @throws WhereforeError `unknown-name` for a concept that the model does not go by
 */
export function predictByConcepts(
  { classes, concepts, classifier }: ConceptModel,
  scores: readonly number[],
  { set = {}, without = [] }: ConceptEdit = {},
): ConceptPrediction {
  const names = concepts.map(({ name }) => name);
  const unknown = [...Object.keys(set), ...without].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new WhereforeError('unknown-name', 'the model has no such concept', {
      got: unknown,
      expected: names.join(', '),
    });
  }
  const edited = scores.map((score, k) => (without.includes(names[k]) ? 0 : (set[names[k]] ?? score)));
  return { says: classes[classOf(classifier, edited)], logits: logitsOf(classifier, edited), scores: edited };
}

function check(texts: readonly LabelledText[], concepts: readonly Concept[], classes: readonly string[]): void {
  if (texts.length < 40) {
    throw new WhereforeError('invalid-data', 'too few texts for a concept model', {
      got: String(texts.length),
      expected: '40 at least',
    });
  }
  if (classes.length < 2) throw new WhereforeError('invalid-data', 'all texts have one label', { got: classes[0] });
  if (concepts.length === 0) throw new WhereforeError('invalid-data', 'there is no concept');
  const names = concepts.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new WhereforeError('invalid-data', 'two concepts have one name', { got: twice });
}
