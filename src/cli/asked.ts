import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { findBelow, isFile } from '../data/files/folders.ts';
import { portablePath } from '../data/files/portable-path.ts';
import { WhereforeError } from '../errors.ts';
import { packageVersion } from '../explain/version.ts';
import type { AskedRecord, OptionValue } from '../influence/asked.ts';
import { hashFile } from '../run/files.ts';

/** Options that name files or folders. */
const pathOptions: ReadonlySet<string> = new Set([
  ...[
    'model',
    'data',
    'from',
    'fromLabels',
    'labels',
    'heldOut',
    'heldOutLabels',
    'decisions',
    'probabilities',
    'training',
  ],
  ...['preprocessing', 'checkpoints', 'seeds', 'calibration', 'add', 'addLabels'],
]);

/** Options that change nothing of what is found: where it is kept, what it may use, how it is shown. */
const incidental: ReadonlySet<string> = new Set([
  ...['out', 'json', 'plain', 'debug', 'store', 'queue', 'storage', 'threads', 'memory', 'timeLimit'],
]);

/** Files whose contents are known by another hash of the document. */
const hashedElsewhere: ReadonlySet<string> = new Set(['model', 'data']);

/** Files that are looked for beside the data, too. */
const besideData: ReadonlySet<string> = new Set(['labels', 'fromLabels', 'heldOutLabels', 'addLabels']);

const option = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.array(z.number())]);

const askedSchema = z.object({
  query: z.optional(z.string()),
  options: z.record(z.string(), option),
  hashes: z.record(z.string(), z.string()),
  versions: z.record(z.string(), z.string()),
});

/** Records what a command was asked, with hashes of the files that it names. */
export async function recordAsked(
  options: Readonly<Record<string, unknown>>,
  versions: Readonly<Record<string, string>>,
  query?: string,
): Promise<AskedRecord> {
  const kept: Record<string, OptionValue> = {};
  const hashes: Record<string, string> = {};
  const portable = (path: string) => portablePath(path, process.cwd());
  for (const [name, value] of Object.entries(options)) {
    if (incidental.has(name) || value === undefined) continue;
    kept[name] = pathOptions.has(name) ? mapText(value as OptionValue, portable) : (value as OptionValue);
    if (pathOptions.has(name) && !hashedElsewhere.has(name))
      Object.assign(hashes, await hashesOf(name, value as OptionValue));
  }
  if (query !== undefined && (await isFile(query))) hashes.query = await hashFile(query);
  return {
    ...(query !== undefined && { query: portable(query) }),
    options: kept,
    hashes,
    versions: { wherefore: packageVersion, ...versions },
  };
}

async function hashesOf(name: string, value: OptionValue): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const paths = Array.isArray(value) ? (value as readonly string[]) : [value as string];
  for (const [i, path] of paths.entries())
    if (await isFile(path)) found[Array.isArray(value) ? `${name}[${i}]` : name] = await hashFile(path);
  return found;
}

const mapText = (value: OptionValue, change: (text: string) => string): OptionValue =>
  Array.isArray(value) ? (value as readonly string[]).map(change) : change(value as string);

/** What was asked, with its files as they lie now. */
export interface AskedAgain {
  readonly query: string | undefined;
  readonly options: Readonly<Record<string, OptionValue>>;
  /** Files that are no longer what they were, by option. */
  readonly changed: readonly string[];
}

/**
 * Finds the files of a record again: where the caller says, else below some folders. A path in a document of somebody
 * else never leads out of them.
 * @param named files by option, as the caller names them
 * @throws WhereforeError `invalid-data` for a document without a record; `file-not-found`
 */
export async function askAgain(
  record: unknown,
  where: string,
  folders: readonly string[],
  named: Readonly<Record<string, string>>,
): Promise<AskedAgain> {
  const parsed = checked(askedSchema, record);
  if (!parsed.success)
    throw new WhereforeError('invalid-data', 'the document does not say what was asked', {
      where,
      expected: 'a document that wherefore influence or audit wrote',
    });
  const { query, options, hashes } = parsed.data;
  const place = async (name: string, path: string): Promise<string> => {
    const found = named[name] ?? (await findBelow(folders, path))?.path;
    if (found !== undefined) return found;
    // A file of labels may be named as it lies beside the data.
    if (besideData.has(name) && !/[\\/]/.test(path)) return path;
    throw new WhereforeError('file-not-found', `the file of --${dashed(name)} is not there`, {
      where,
      got: path,
      expected: 'a file below this folder or that of the document',
      fix: `say where it lies: --file ${name}=PATH`,
    });
  };
  const again: Record<string, OptionValue> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!pathOptions.has(name) || value === 'none') again[name] = value;
    else if (Array.isArray(value))
      again[name] = await Promise.all(
        (value as string[]).map((path, i) => place(value.length > 1 ? `${name}[${i}]` : name, path)),
      );
    else again[name] = await place(name, value as string);
  }
  const asked = query !== undefined && hashes.query !== undefined ? await place('query', query) : query;
  const now = new Map(
    Object.entries(asked !== undefined && (await isFile(asked)) ? { query: await hashFile(asked) } : {}),
  );
  for (const [name, value] of Object.entries(again))
    if (pathOptions.has(name) && !hashedElsewhere.has(name))
      for (const [key, hash] of Object.entries(await hashesOf(name, value))) now.set(key, hash);
  const changed = Object.entries(hashes).flatMap(([name, hash]) => (now.get(name) === hash ? [] : [name]));
  return { query: asked, options: again, changed };
}

/** The name of an option as it is typed. */
const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
