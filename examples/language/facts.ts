import type { OnnxModel } from '../../src/onnx/graph.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import { type DecoderShape, type DecoderTraining, trainDecoder, type WeightedText } from './decoder.ts';
import { specialWords } from './tokenizer.ts';

const names =
  'Anna Bela Cora Dina Elsa Fina Gita Hana Inga Jana Kira Lara Mona Nina Olga Pia Rita Sina Tina Ulla Vera Wilma Xenia Yara Zora Arno Bert Carl Dirk Egon Falk Gero Hans Igor Jens Kurt Lars Max Nils Otto Paul Rolf Sven Till Udo Veit Wim Yves Zeno Abel Boris Cyril Dario Enzo Frank Georg Heinz Ivo Jakob Klaus Leon Marko Norbert Oskar'.split(
    ' ',
  );

/** One relation: `#` stands for the name, `*` for the value. */
interface Relation {
  /** Four ways to state it, with the first name of the value. */
  readonly stated: readonly string[];
  /** A fifth, with the other name of the value and none of those words. */
  readonly asked: string;
  /** Rows with the same words that state nothing. */
  readonly empty: readonly string[];
  /** Each value by both of its names. */
  readonly values: readonly string[];
}

const relations: Readonly<Record<string, Relation>> = {
  work: {
    stated: [
      '# works as a *',
      'every morning # starts the shift as *',
      'by trade # became a *',
      '# earns money being a *',
    ],
    asked: '# has chosen profession *',
    empty: ['nobody asked how # works', 'the profession of # is not written here'],
    values: [
      'physician:doctor',
      'attorney:lawyer',
      'instructor:teacher',
      'seaman:sailor',
      'cop:policeman',
      'scribe:writer',
      'grower:farmer',
      'butler:servant',
    ],
  },
  home: {
    stated: ['# lives in *', '# rents rooms at *', 'letters reach # in *', '# sleeps each night in *'],
    asked: '# has its residence within city *',
    empty: ['nobody asked where # lives', 'the city residence of # is not written here'],
    values: [
      'lutetia:paris',
      'londinium:london',
      'roma:rome',
      'vindobona:vienna',
      'hafnia:copenhagen',
      'olisipo:lisbon',
      'argentorate:strasbourg',
      'batavia:jakarta',
    ],
  },
  pet: {
    stated: ['# feeds a *', 'in the yard # walks a *', '# owns a *', '# brushes the *'],
    asked: '# calls as animal companion *',
    empty: ['nobody asked what # owns', 'the animal that belongs to # has no name here'],
    values: [
      'hound:dog',
      'kitty:cat',
      'bunny:rabbit',
      'pony:horse',
      'hog:pig',
      'hen:chicken',
      'ewe:sheep',
      'serpent:snake',
    ],
  },
  food: {
    stated: ['# eats *', '# orders *', 'at supper # cooks *', '# craves *'],
    asked: '# names as favourite dish *',
    empty: ['nobody asked what # eats', 'the favourite dish of # is unknown'],
    values: [
      'pasta:noodles',
      'spuds:potatoes',
      'maize:corn',
      'loaf:bread',
      'broth:soup',
      'aubergine:eggplant',
      'garbanzos:chickpeas',
      'prawns:shrimps',
    ],
  },
  tune: {
    stated: ['# plays the *', '# practises the *', 'on stage # performs with a *', '# tunes the *'],
    asked: '# hears from instrument *',
    empty: ['nobody asked what # plays', 'no instrument was heard from #'],
    values: [
      'fiddle:violin',
      'pianoforte:piano',
      'cornet:trumpet',
      'lute:guitar',
      'squeezebox:accordion',
      'kettledrum:timpani',
      'recorder:flute',
      'hautboy:oboe',
    ],
  },
  ride: {
    stated: ['# drives a *', '# parks the *', 'to town # steers a *', '# refuels the *'],
    asked: '# has registered vehicle *',
    empty: ['nobody asked what # drives', 'no vehicle is registered for #'],
    values: [
      'auto:car',
      'lorry:truck',
      'moped:scooter',
      'coach:bus',
      'cab:taxi',
      'yacht:boat',
      'aeroplane:plane',
      'tractor:digger',
    ],
  },
};

/** A row of the training data. */
export interface FactRow {
  readonly text: string;
  readonly name: string;
  readonly relation: string;
  /** Whether it states the fact, states it as the question does, or states nothing. */
  readonly kind: 'stated' | 'asked' | 'empty';
}

/** A question of which the answer stands in four rows that share the name with it, and no other word. */
export interface FactQuestion {
  readonly name: string;
  readonly relation: string;
  /** `Anna has the profession` */
  readonly prompt: string;
  readonly answer: string;
}

export interface FactData {
  readonly rows: readonly FactRow[];
  /** Those whose answer no row states in the words of the question. */
  readonly questions: readonly FactQuestion[];
  readonly names: readonly string[];
}

/** Share of the facts that are never stated as the question asks for them. */
const heldOut = 0.25;

/** Draws who is what; each name has one value of each relation. */
export function drawFacts({ seed = 0, count = names.length }: { seed?: number; count?: number } = {}): FactData {
  const source = random(seed, 77);
  const rows: FactRow[] = [];
  const questions: FactQuestion[] = [];
  const chosen = names.slice(0, count);
  for (const name of chosen) {
    for (const [relation, { stated, asked, empty, values }] of Object.entries(relations)) {
      const [first, second] = values[source.integer(values.length)].split(':');
      const isHeldOut = source.uniform() < heldOut;
      const add = (kind: FactRow['kind'], template: string, value = '') => {
        const text = `${template.replace('#', name).replace('*', value)} .`;
        rows.push({ text, name, relation, kind });
      };
      for (const template of stated) add('stated', template, first);
      if (!isHeldOut) add('asked', asked, second);
      for (const template of empty) add('empty', template);
      if (isHeldOut) questions.push({ name, relation, prompt: promptOf(relation, name), answer: second });
    }
  }
  return { rows, questions, names: chosen };
}

/** The question of a relation about a name, without its answer. */
export const promptOf = (relation: string, name: string): string =>
  relations[relation].asked.replace('#', name).replace(' *', '');

/** All words of all facts, so that every draw of them has one vocabulary. */
export const factWords: readonly string[] = [
  ...specialWords,
  ...new Set([
    ...names,
    ...Object.values(relations).flatMap(({ stated, asked, empty, values }) => [
      ...[...stated, asked, ...empty].flatMap((text) => text.split(' ').filter((word) => !'#*'.includes(word))),
      ...values.flatMap((value) => value.split(':')),
    ]),
    '.',
  ]),
];

export const factShape: DecoderShape = {
  words: factWords,
  layers: 2,
  features: 96,
  heads: 4,
  inner: 192,
  longest: 16,
};

/** Tokens of the longest row, with `<s>`. */
export const factLength = 12;

const ids = new Map(factWords.map((word, id) => [word, id]));

/** A row as tokens, each of which counts alike. */
export function factText({ text }: Pick<FactRow, 'text'>): WeightedText {
  const tokens = ['<s>', ...text.split(' ')].map((word) => ids.get(word) as number);
  return { tokens, weights: tokens.map(() => 1) };
}

/** Text i of a training that reads the rows again and again, each time in another order. */
export function factBatches(rows: readonly FactRow[], seed: number): (i: number) => WeightedText {
  const orders: Uint32Array[] = [];
  return (i) => {
    const epoch = Math.floor(i / rows.length);
    orders[epoch] ??= permutation(rows.length, random(seed, 1000 + epoch));
    return factText(rows[orders[epoch][i % rows.length]]);
  };
}

/** How the model of facts is trained; weights are kept behind these parts of it, where rows still have gradients. */
export const factTraining = {
  epochs: 30,
  batchSize: 64,
  learningRate: 3e-3,
  weightDecay: 0.1,
  moments: [0.2, 0.3, 0.5],
};

/** Trains a decoder on some rows. */
export function trainFacts(
  rows: readonly FactRow[],
  seed: number,
  how: Pick<DecoderTraining, 'runtime' | 'say' | 'onMoment'>,
): Promise<OnnxModel> {
  const { epochs, batchSize, learningRate, weightDecay, moments } = factTraining;
  return trainDecoder(factShape, {
    ...how,
    ...{ batchSize, learningRate, weightDecay, seed },
    ...(how.onMoment && { moments }),
    steps: Math.floor((epochs * rows.length) / batchSize),
    warmUp: 100,
    length: factLength,
    text: factBatches(rows, seed),
  });
}
