/** What a {@link WhereforeError} carries besides its message: plain data, so that a program can act on it. */
export interface ErrorDetails {
  /** Where it happened: a file, a node, a command-line flag. */
  readonly where?: string;
  /** What was found. */
  readonly got?: string;
  /** What would have been right. */
  readonly expected?: string;
  /** The known name that was most likely meant: told first. */
  readonly guess?: string;
  /** What to do about it, in the imperative; default: to write what was guessed. */
  readonly fix?: string;
  /** The error underneath, if there is one. */
  readonly cause?: unknown;
}

/** The kinds of mistake that Wherefore tells apart. A caller may switch on `code`; messages may change. */
export type ErrorCode =
  | 'file-not-found'
  | 'file-unreadable'
  | 'file-unwritable'
  | 'not-onnx'
  | 'malformed-model'
  | 'unsupported-model'
  | 'unsupported-operator'
  | 'unknown-name'
  | 'wrong-shape'
  | 'wrong-type'
  | 'not-finite'
  | 'out-of-range'
  | 'invalid-argument'
  | 'invalid-data'
  | 'not-differentiable'
  | 'not-a-cut'
  | 'collapsed'
  | 'runtime'
  | 'limit-reached'
  | 'endpoint'
  | 'cancelled'
  | 'internal';

/**
 * A mistake that a person can fix: what, where, got, expected, fix.
 *
 * `message` is one line with all the parts that are known, e.g.
 * `input "data" has the wrong shape (got 1×224×224, expected N×3×224×224). Fix: add the colour axis.`
 */
export class WhereforeError extends Error {
  override readonly name = 'WhereforeError';
  readonly code: ErrorCode;
  /** What is wrong, without where, got, expected and fix. */
  readonly what: string;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, what: string, details: ErrorDetails = {}) {
    const { where, got, expected, guess, cause } = details;
    const fix = details.fix ?? (guess === undefined ? undefined : `write ${guess}`);
    const facts = [got && `got ${short(got)}`, expected && `expected ${short(expected)}`].filter(Boolean).join(', ');
    const sentence = `${where ? `${where}: ` : ''}${what}${guess === undefined ? '' : `: did you mean "${guess}"?`}${facts ? ` (${facts})` : ''}`;
    const end = sentence.endsWith('?') ? '' : '.';
    super(fix ? `${sentence.replace(/[.]$/, '')}${end} Fix: ${fix}${/[.?!]$/.test(fix) ? '' : '.'}` : sentence, {
      cause,
    });
    this.code = code;
    this.what = what;
    this.details = fix === details.fix ? details : { ...details, fix };
  }
}

/** Letters of one fact that a message shows: the columns of a table may be 100,000. `details` has all of it. */
const shown = 2000;

const short = (fact: string): string =>
  fact.length > shown ? `${fact.slice(0, shown)}… and ${fact.length - shown} more letters` : fact;
