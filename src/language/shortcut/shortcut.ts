import { WhereforeError } from '../../errors.ts';
import { wholeWord } from '../text/whole-word.ts';
import { type GroupAccuracy, groupAccuracies, worstGroup } from './groups.ts';
import { type RankedWord, rankWords } from './rank-words.ts';
import { type LabelledText, type SwappedPair, swappedCopies } from './swapped-copies.ts';
import { attributedTexts, type TextClassifier } from './text-classifier.ts';

export interface ShortcutOptions {
  /** Names of the model's classes, in its order; default: the labels of the texts in the order of their names. */
  readonly classes?: readonly string[];
  /** Words that should make no difference; default: the pair that is proposed. */
  readonly swap?: readonly SwappedPair[];
  /** Times that labels are permuted for the floor. Default 100. */
  readonly permutations?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a classifier of texts goes by, and copies that take the shortcut from the data. */
export interface ShortcutDocument {
  readonly format: 'wherefore/language-shortcut';
  readonly version: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly classes: readonly string[];
  readonly texts: number;
  readonly accuracy: number;
  /** The first words of the ranking. */
  readonly words: readonly RankedWord[];
  readonly floor: number;
  readonly reported: number;
  /** The first words by frequency, by information alone and by attribution alone: trivial rankings. */
  readonly trivial: Readonly<Record<'frequency' | 'information' | 'attribution', readonly string[]>>;
  /** The words that are exchanged, and whether they were given. */
  readonly swap?: { readonly pairs: readonly SwappedPair[]; readonly given: boolean };
  /** Accuracy in the groups of the first pair's first word. */
  readonly groups: readonly GroupAccuracy[];
  readonly worst?: GroupAccuracy;
  readonly copies?: { readonly made: number; readonly untouched: number; readonly known: number };
  readonly notes: readonly string[];
}

export interface FoundShortcut {
  readonly document: ShortcutDocument;
  /** Swapped copies, to be trained on together with the texts. */
  readonly copies: readonly LabelledText[];
}

/** Words that a document lists. */
const mostWords = 30;

/**
 * Looks for a shortcut: words that the classifier goes by and that tell the label, ranked by their product, against a
 * floor of permuted labels. For the words that should make no difference, given or proposed, it counts how the model
 * does where they disagree with the label, and makes copies of the texts with these words exchanged.
 * @throws WhereforeError `invalid-data` for fewer than 20 texts, one label, or a label that is no class of the model;
 *   `unsupported-model` for a model that is no classifier
 */
export async function findShortcut(
  language: TextClassifier,
  texts: readonly LabelledText[],
  options: ShortcutOptions = {},
): Promise<FoundShortcut> {
  const classes = options.classes ?? [...new Set(texts.map(({ label }) => label))].sort();
  const labels = labelsOf(texts, classes);
  const { signal, onProgress, permutations, seed } = options;
  const attributed = await attributedTexts(
    language,
    texts.map(({ text }) => text),
    { signal, onProgress },
  );
  const { words, floor } = rankWords(attributed, labels, { permutations, seed });
  const reported = words.filter((word) => word.reported);
  const proposed = proposedPair(words);
  const pairs = options.swap ?? (proposed ? [proposed] : undefined);
  const made = pairs && swappedCopies(texts, pairs);
  const watched = pairs?.[0][0];
  const isHeld = watched === undefined ? undefined : (text: string) => wholeWord(watched).test(text);
  const groups = isHeld
    ? groupAccuracies(
        texts.map(({ text }, i) => ({ predicted: attributed[i].predicted, label: labels[i], holds: isHeld(text) })),
      )
    : [];
  const first = (by: (word: RankedWord) => number) =>
    [...words]
      .sort((a, b) => by(b) - by(a))
      .slice(0, 5)
      .map(({ word }) => word);
  const document: ShortcutDocument = {
    format: 'wherefore/language-shortcut',
    version: 1,
    model: { name: language.name, hash: language.model.hash },
    classes,
    texts: texts.length,
    accuracy: labels.filter((label, i) => attributed[i].predicted === label).length / labels.length,
    words: words.slice(0, Math.max(mostWords, reported.length)),
    floor,
    reported: reported.length,
    trivial: {
      frequency: first((w) => w.texts),
      information: first((w) => w.information),
      attribution: first((w) => w.attribution),
    },
    ...(pairs && { swap: { pairs, given: options.swap !== undefined } }),
    groups,
    ...(groups.length > 0 && { worst: worstGroup(groups) }),
    ...(made && { copies: { made: made.copies.length, untouched: made.untouched, known: made.known } }),
    notes: ['that a word ranks high says that the model goes by it, not that it should not: a person decides'],
  };
  return { document, copies: made?.copies ?? [] };
}

/** The first reported word, and the first of those that go with another label. */
function proposedPair(words: readonly RankedWord[]): SwappedPair | undefined {
  const [first, ...others] = words.filter(({ reported }) => reported);
  const other = others.find(({ label }) => label !== first.label);
  return other && [first.word, other.word];
}

function labelsOf(texts: readonly LabelledText[], classes: readonly string[]): number[] {
  if (texts.length < 20) {
    throw new WhereforeError('invalid-data', 'too few texts to tell words from chance', {
      got: String(texts.length),
      expected: '20 at least',
    });
  }
  const labels = texts.map(({ label }) => classes.indexOf(label));
  const unknown = labels.indexOf(-1);
  if (unknown >= 0) {
    throw new WhereforeError('invalid-data', 'a label is no class of the model', {
      got: texts[unknown].label,
      expected: classes.join(', '),
    });
  }
  if (new Set(labels).size < 2)
    throw new WhereforeError('invalid-data', 'all texts have one label', { got: texts[0].label });
  return labels;
}
