/** A training text, and what it has to do with an answer. */
export interface TaughtRow {
  /** Number of the text, from 1. */
  readonly row: number;
  readonly text: string;
  /**
   * How much a step of the training on this text moves the answer, against what moves the same answer elsewhere: from −1
   * to 1 for each moment of the training, added up.
   */
  readonly moves?: number;
  /** Place in the order by `moves`, from 1; neither is there where the model gives no gradients. */
  readonly movesPlace?: number;
  /** BM25 of prompt and answer: whether the text states it in the same words. */
  readonly states: number;
  readonly statesPlace: number;
}

/** Which training texts taught an answer. */
export interface TaughtDocument {
  readonly format: 'wherefore/language-taught';
  readonly version: 1;
  readonly model: { readonly name: string; readonly hash?: string };
  readonly prompt: string;
  readonly answer: string;
  /** log p of the answer, in nats, where the model tells it. */
  readonly logProbability?: number;
  /** What the answer was compared with: the same prompt with other words in the place of one. */
  readonly instead?: { readonly word: string; readonly others: readonly string[] };
  /** How `moves` were found; not there where only similar texts were looked for. */
  readonly method?: { readonly name: string; readonly title: string; readonly source: string };
  /** Training texts that were scored. */
  readonly rows: number;
  /** Moments of the training that were added up, 0: the weights of the model alone. */
  readonly checkpoints: readonly { readonly name: string; readonly logProbability: number }[];
  /** Of the texts, how many the model knows by heart: log p of a token at −.05 or above, on average. */
  readonly knownByHeart?: number;
  /** Texts that move the answer most, and those that lower it most. */
  readonly movers: readonly TaughtRow[];
  readonly against: readonly TaughtRow[];
  /** Texts that state it most literally. */
  readonly statements: readonly TaughtRow[];
  readonly notes: readonly string[];
}
