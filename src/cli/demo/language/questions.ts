import { fileURLToPath } from 'node:url';
import { shellWord } from '../../options.ts';

/** Folder of a language model that comes with the project. */
export const modelFolder = (name: string): string =>
  fileURLToPath(new URL(`../../../../examples/language/models/${name}/`, import.meta.url));

/** The command that asks the same, from a checkout of the project. */
export const languageCommand = (question: string, model: string, options: readonly string[]): string =>
  ['wherefore language', question, `examples/language/models/${model}`, ...options.map(shellWord)].join(' ');

/**
 * A text for the model that looks things up. A collier, a miner and a digger are one person to it, so no word of the
 * question stands in the sentence that answers it; one other sentence has the name asked for, another one the answer.
 */
export const evidence = {
  model: 'lookup',
  sentences: [
    'The old bearer keeps the pencil .',
    'The caller has the red key near the singer .',
    'The collier keeps the brush near the grower .',
    'The young farmer holds the candle near the visitor .',
    'The kid keeps the key near the carrier .',
    'The small vocalist holds the red candle near the miner .',
    'The trader has the blue brush .',
    'The spy holds the red key .',
  ],
  question: 'What has the miner',
  against: ' candle',
  /** Places of sentences above. */
  right: 2,
  withName: 5,
  withAnswer: 6,
} as const;

/** The same, as sources of which two say the same in other words. */
export const twice = {
  model: 'lookup',
  sources: [
    'The collier keeps the brush near the grower .',
    'The small vocalist holds the red candle near the miner .',
    'The digger has the blue brush .',
    'The trader has the brush .',
    'The spy holds the red key .',
  ],
  question: 'What has the miner',
  /** Places of those. */
  alike: [0, 2],
} as const;

/** A sentence for the model that writes English: the subject is neither its first noun nor the last one before the verb. */
export const agreement = {
  model: 'english',
  prompt: 'At night , the old dog near many bridges behind some books',
  subject: 'dog',
  nextToVerb: 'books',
  answer: ' greets',
  against: ' greet',
  /** Each noun and its other form. */
  forms: new Map([
    ['dog', 'dogs'],
    ['bridges', 'bridge'],
    ['books', 'book'],
  ]),
} as const;
