const KiB = 2 ** 10;
const MiB = 2 ** 20;
const GiB = 2 ** 30;

/** What a kind of file is called in messages, and how many bytes it may have. */
export interface FileKind {
  readonly called: string;
  readonly limit: number;
}

/**
 * The kinds of files that are read. Each has a limit far above what real files have, so that a damaged or hostile one
 * is refused before it fills memory.
 */
export const fileKinds = {
  /** Protocol buffers end at 2 GiB; larger models keep their weights in files of their own. */
  model: { called: 'a model', limit: 2 * GiB },
  /** Hashed piece by piece, never held. */
  weights: { called: 'a file of weights', limit: 64 * GiB },
  settings: { called: 'a wherefore.yaml', limit: 1 * MiB },
  labels: { called: 'a list of labels', limit: 16 * MiB },
  /** Names of tens of thousands of classes at most. */
  config: { called: 'a config.json', limit: 16 * MiB },
  /** The largest in use, of 256,000 tokens, have 33 MiB. */
  tokenizer: { called: 'a tokenizer', limit: 128 * MiB },
  image: { called: 'an image', limit: 256 * MiB },
  /** Twenty minutes of stereo at 48 kHz and 16 bits have 220 MiB. */
  audio: { called: 'a recording', limit: 256 * MiB },
  tensors: { called: 'a file of tensors', limit: 8 * GiB },
  /** A book has one. */
  text: { called: 'a text', limit: 16 * MiB },
  /** What one string can hold. */
  table: { called: 'a table', limit: 512 * MiB - 64 * KiB },
  /** Read in ranges, never held. */
  dataset: { called: 'a data set', limit: 1024 * GiB },
  /** A part of an index that Wherefore made: texts, the order of their suffixes, their words. */
  index: { called: 'a part of an index', limit: 8 * GiB },
  /** A JSON file that Wherefore writes or a person does: an explanation, the record of a run, boxes, groups. */
  document: { called: 'a document', limit: 64 * MiB },
} as const satisfies Readonly<Record<string, FileKind>>;

export type FileKindName = keyof typeof fileKinds;

/** A number of bytes in the largest unit that leaves it at 1 or more: `1.5 GiB`, `12 bytes`. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', GiB],
    ['MiB', MiB],
    ['KiB', KiB],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toPrecision(3))} ${unit}`;
  }
  return `${bytes} bytes`;
}
