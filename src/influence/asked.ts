/** A value of an option as JSON holds it. */
export type OptionValue = string | number | boolean | readonly string[] | readonly number[];

/** What a command was asked, so that it can be asked again. */
export interface AskedRecord {
  /** What the query was, where there is one. */
  readonly query?: string;
  /** Options by name; files as they lie below the folder of the command, others by their names alone. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** SHA-256 of files that options name, by option; of several, by `option[0]`, … */
  readonly hashes: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
}
