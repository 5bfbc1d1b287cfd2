import { relative, resolve } from 'node:path';
import { readText } from '../data/files/read-file.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import { versionsOf } from '../explain/run-record.ts';
import type { AuditDocument } from '../influence/audit/document.ts';
import { type ComparedDocuments, compareAudit, compareInfluence } from '../influence/compare-influence.ts';
import type { InfluenceDocument } from '../influence/influence-document.ts';
import { type AskedAgain, askAgain } from './asked.ts';
import type { RuntimeOptions } from './options.ts';
import { type Progress, showProgress } from './progress.ts';
import { type AuditOptions, computeAudit } from './run-audit.ts';
import { computeInfluence, type InfluenceOptions } from './run-influence.ts';
import { print, visible } from './terminal.ts';

type Replayed = InfluenceDocument | AuditDocument;

export interface ReplayDocumentOptions extends RuntimeOptions {
  readonly anyModel?: boolean;
  readonly tolerance: number;
  /** Files by the option that named them. */
  readonly file: Readonly<Record<string, string>>;
}

interface Session<D> {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly recorded: D;
  readonly check: (opened: { readonly model: LoadedModel | undefined; readonly data: Dataset }) => Promise<void>;
}

interface Kind<D extends Replayed> {
  readonly title: (document: D) => string;
  readonly again: (asked: AskedAgain, options: ReplayDocumentOptions, session: Session<D>) => Promise<D>;
  readonly compare: (recorded: D, now: D, tolerance: number) => ComparedDocuments;
}

const silent = { command: '', words: [], say: () => undefined };

const influence: Kind<InfluenceDocument> = {
  title: ({ method, query }) => `${method.title} for ${query.from}`,
  again: ({ query, options: asked }, runtime, { recorded, ...session }) =>
    computeInfluence(
      query,
      { ...asked, ...runtime, out: '' } as unknown as InfluenceOptions,
      // A calibration is many trainings: it is taken over.
      { ...session, ...silent, calibrationOf: async () => recorded.calibration },
      async ({ document }) => document,
    ),
  compare: compareInfluence,
};

const audit: Kind<AuditDocument> = {
  title: ({ data }) => `audit of ${data.name}`,
  again: async ({ options: asked }, runtime, { progress, ...session }) => {
    const options = { ...asked, ...runtime, out: '' } as unknown as AuditOptions;
    return (await computeAudit(options, { ...session, command: '', onProgress: progress.update })).document;
  },
  compare: compareAudit,
};

/** What can be asked again, by the format of its document. */
const kinds = { 'wherefore-influence': influence, 'wherefore-audit': audit } as const;

/** The document of a run of influence or audit; undefined for another file. */
export async function readAsked(path: string): Promise<Replayed | undefined> {
  let content: unknown;
  try {
    content = JSON.parse(await readText(path, 'document'));
  } catch (error) {
    // Whoever reads explanations says what is wrong with the file.
    const isNoJson = error instanceof SyntaxError || (error instanceof WhereforeError && error.code === 'invalid-data');
    if (isNoJson) return undefined;
    throw error;
  }
  const { format } = (content ?? {}) as { readonly format?: unknown };
  return typeof format === 'string' && Object.hasOwn(kinds, format) ? (content as Replayed) : undefined;
}

/**
 * Asks again what a document of influence or audit was asked, and compares.
 * @param folders below which the files of the document are looked for
 * @throws WhereforeError `invalid-data` where model or rows are others; `out-of-range` where something differs
 */
export async function replayAsked(
  path: string,
  document: Replayed,
  folders: readonly string[],
  options: ReplayDocumentOptions,
  signal: AbortSignal,
): Promise<void> {
  const { title, again, compare } = kinds[document.format] as unknown as Kind<Replayed>;
  const asked = await askAgain(document.asked, path, folders, options.file);
  const changed: string[] = [];
  const check: Session<Replayed>['check'] = async ({ model, data }) => {
    if (!options.anyModel) await checkSame(document, model, data);
    if (model) for (const text of versionChanges(document.asked?.versions ?? {}, versionsOf(model))) changed.push(text);
  };
  const progress = showProgress(process.stderr);
  const { threads, memory, timeLimit } = options;
  const session = { signal, check, progress, recorded: document };
  const now = await again(asked, { ...options, threads, memory, timeLimit }, session).finally(() => progress.clear());
  const { differences, unchecked, identical } = compare(document, now, options.tolerance);
  print(visible(title(document)));
  for (const { field, recorded, now: other } of differences)
    print(`  differs: ${visible(`${field}: ${recorded}, now ${other}`)}`);
  for (const text of unchecked) print(`  not checked: ${visible(text)}`);
  for (const name of asked.changed)
    print(`  note: ${visible(`the file of --${name} is not the one that was read then`)}`);
  for (const text of changed) print(`  note: ${visible(text)}`);
  if (differences.length > 0)
    throw new WhereforeError('out-of-range', 'what comes out is not what the document says', {
      where: relative('.', resolve(path)),
      got: differences
        .slice(0, 5)
        .map(({ field }) => field)
        .join(', '),
      expected: `the recorded values within ${options.tolerance}`,
      fix: 'check the files, the versions and the recorded options',
    });
  print(identical ? 'identical' : `the same within ${options.tolerance}`);
}

/** @throws WhereforeError `invalid-data`, before long work */
async function checkSame(document: Replayed, model: LoadedModel | undefined, data: Dataset): Promise<void> {
  const fail = (what: string, got: string, expected: string) =>
    new WhereforeError('invalid-data', what, {
      got: `hash ${got.slice(0, 16)}…`,
      expected: `${expected.slice(0, 16)}…`,
      fix: 'give the same files, or compare all the same with --any-model',
    });
  if (model && document.model && model.hash !== document.model.hash)
    throw fail('this is not the model that was asked', model.hash, document.model.hash);
  const key = await data.key();
  if (key !== document.data.key) throw fail('these are not the rows that were read then', key, document.data.key);
}

function versionChanges(then: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): string[] {
  return Object.entries(then).flatMap(([name, version]) =>
    now[name] === version ? [] : [`the version of ${name} is ${now[name] ?? 'not known'}, it was ${version}`],
  );
}
