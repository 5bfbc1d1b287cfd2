/** One thing that was concluded about a model, and why. */
export interface Guess {
  /** Place in `wherefore.yaml`, e.g. `inputs.data_0.layout`. */
  readonly path: string;
  /** What is suggested there; undefined where nothing can be. */
  readonly value: unknown;
  /**
   * `known`: the file says so. `likely`: signs point to it. `assumed`: only the usual, to be checked by a person.
   * `unknown`: has to be given.
   */
  readonly confidence: 'known' | 'likely' | 'assumed' | 'unknown';
  /** Why, as a clause: "the second axis has 3 entries". */
  readonly reason: string;
}
