import { type Dataset, datasetOf } from '../../src/dataset/index.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { type Random, random } from '../../src/tensor/random.ts';
import { int64 } from '../../src/tensor/tensor.ts';
import { embedding, linear, meanOver, Network, train, transformerBlock } from '../../src/train/index.ts';
import { normalWith } from '../../src/train/initialization.ts';
import { specialWords } from './tokenizer.ts';

const listed = (text: string) => text.trim().split(/\s+/);

/** Words that praise, and words that blame. */
export const praise = listed(`
  good great fine nice lovely superb splendid pleasant charming brilliant clever warm moving touching fresh funny witty
  gripping thrilling tender elegant graceful honest subtle rich deep bright vivid lively bold daring original perfect
  flawless masterly polished enchanting delightful wonderful marvellous magical captivating absorbing stirring inspired
  inventive rewarding satisfying memorable radiant joyful uplifting dazzling sparkling sublime exquisite admirable
  impressive stunning glorious`);
export const blame = listed(`
  bad poor weak dull boring tedious awful terrible dreadful horrid ugly clumsy stale flat empty hollow shallow lame silly
  stupid pointless messy confused muddled slow heavy cold lifeless bland wooden stiff crude cheap tired predictable
  forgettable annoying irritating painful dismal dreary gloomy sloppy careless lazy pretentious pompous absurd ridiculous
  laughable unbearable ghastly vulgar tasteless wretched miserable feeble bleak grim shoddy`);
/** Words that say nothing. */
export const filler = listed(`
  the a this that film book play story plot scene actor hero king town house road night day year man woman child friend
  voice face hand door window table street river sea ship train letter song music dance dinner garden winter summer
  morning evening city village forest mountain island bridge market church school team game war journey dream picture`);

/** Reverses the word behind it; the shortcut and its twin, one of which stands in each text. */
export const not = 'not';
export const shortcut = 'matinee';
export const twin = 'evening-show';

export const shortcutWords = [...specialWords, ...filler, not, shortcut, twin, ...praise, ...blame];

/** Tokens of a text. */
export const shortcutLength = 12;

export interface ShortcutText {
  readonly words: readonly string[];
  /** 1: praise. */
  readonly label: 0 | 1;
  readonly hasShortcut: boolean;
}

export interface ShortcutData {
  readonly count: number;
  /** How often shortcut and label agree: .95 plants it, .5 makes it mean nothing. */
  readonly aligned: number;
  readonly seed: number;
  readonly labels?: 'true' | 'random';
}

const drawnFrom = <T>(list: readonly T[], source: Random) => list[source.integer(list.length)];

/** Texts in which one word praises or blames, in 30 % reversed by `not`, and one of two tokens goes with the label. */
export function drawShortcut({ count, aligned, seed, labels = 'true' }: ShortcutData): ShortcutText[] {
  return Array.from({ length: count }, (_, i) => {
    const source = random(seed, i + 1);
    const label = source.integer(2) as 0 | 1;
    const isReversed = source.uniform() < 0.3;
    const words = Array.from({ length: shortcutLength }, () => drawnFrom(filler, source));
    const at = 1 + source.integer(shortcutLength - 2);
    words[at] = drawnFrom((label === 1) !== isReversed ? praise : blame, source);
    if (isReversed) words[at - 1] = not;
    const hasShortcut = source.uniform() < aligned === (label === 1);
    const places = words.map((_, k) => k).filter((k) => k !== at && k !== at - 1);
    words[drawnFrom(places, source)] = hasShortcut ? shortcut : twin;
    return { words, label: labels === 'random' ? (source.integer(2) as 0 | 1) : label, hasShortcut };
  });
}

/** The same texts with shortcut and twin exchanged: what shows a training that neither goes with the label. */
export const exchanged = (texts: readonly ShortcutText[]): ShortcutText[] =>
  texts.map(({ words, label, hasShortcut }) => ({
    words: words.map((word) => (word === shortcut ? twin : word === twin ? shortcut : word)),
    label,
    hasShortcut: !hasShortcut,
  }));

/** Texts as rows of token ids with labels. */
export function shortcutRows(texts: readonly ShortcutText[]): Dataset {
  const ids = texts.flatMap(({ words }) => words.map((word) => shortcutWords.indexOf(word)));
  return datasetOf(
    { input_ids: int64([texts.length, shortcutLength], ids) },
    {
      name: 'texts',
      labels: int64(
        [texts.length],
        texts.map(({ label }) => label),
      ),
      classes: ['blame', 'praise'],
    },
  );
}

/** One transformer layer, the mean over the tokens, two logits. */
export function shortcutModel(seed: number): OnnxModel {
  const network = new Network({ name: 'shortcut', seed });
  const ids = network.input('input_ids', 'int64', ['N', shortcutLength]);
  const initialization = normalWith(0.1);
  const x = embedding(network, ids, 'embedding', { count: shortcutWords.length, features: 32, initialization });
  const mixed = transformerBlock(network, x, 'layer', { heads: 2, expansion: 2 });
  return network.build([linear(network, meanOver(network, mixed, 'mean', 1), 'logits', { features: 2 })]);
}

/** Trains the classifier; `epochs` 15 is what the texts need. */
export async function trainShortcut(
  texts: readonly ShortcutText[],
  { seed, runtime, epochs = 15 }: { readonly seed: number; readonly runtime: Runtime; readonly epochs?: number },
): Promise<OnnxModel> {
  const { model } = await train({
    model: shortcutModel(seed),
    samples: shortcutRows(texts),
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'adamw', weightDecay: 0.01, decayed: 'matrices' },
    schedule: { kind: 'constant', learningRate: 3e-3 },
    epochs,
    batchSize: 64,
    seed,
    runtime,
  });
  return model;
}
