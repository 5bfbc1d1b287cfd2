import { openDataset } from '../data/datasets/open-dataset.ts';
import { observeReads } from '../data/files/open-file.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { withKeptHashes } from '../dataset/kept-hashes.ts';
import { range } from '../dataset/pieces.ts';
import { WhereforeError } from '../errors.ts';
import { versionsOf } from '../explain/run-record.ts';
import type { CalibrationDocument } from '../influence/calibration/calibration-document.ts';
import type { InfluenceDocument } from '../influence/influence-document.ts';
import { influenceTable } from '../influence/methods/index.ts';
import { checkParameters, influenceMethodNamed } from '../influence/score.ts';
import type { RowViews } from '../page/audit/row-view.ts';
import type { RowMaps } from '../page/influence/row-map.ts';
import { influenceData } from '../report/influence/influence-data.ts';
import type { InfluenceDataOptions } from '../report/influence/influence-options.ts';
import { rowMaps } from '../report/influence/row-maps.ts';
import type { SliceQuery } from '../report/influence/slice-query.ts';
import { formatShape } from '../tensor/tensor.ts';
import { recordAsked } from './asked.ts';
import { type CalibrateOptions, calibrator } from './calibrate.ts';
import { type CheckpointOptions, type CheckpointPath, openCheckpoints } from './checkpoint-model.ts';
import { type DecidedRowsOfFile, openDecided } from './decided.ts';
import { noteReads } from './evaluate-run.ts';
import { type AskedQuery, classNamed, openQuery } from './influence-query.ts';
import { asksSlices, openSliceQuery, type SliceOptions } from './influence-slices.ts';
import { type StoreOptions, storesFor } from './influence-store.ts';
import { runtimeOf } from './options.ts';
import { describedRows } from './row-options.ts';
import { parseSettings } from './settings-text.ts';
import type { ShardSession } from './sharded-run.ts';

/** What `wherefore influence` is asked. */
export interface InfluenceOptions extends StoreOptions, CheckpointOptions, CalibrateOptions, SliceOptions {
  readonly model: string;
  readonly class?: string;
  readonly plain?: boolean;
  readonly redact?: boolean;
  readonly method?: string;
  readonly set: readonly string[];
  readonly seeds?: readonly string[];
  readonly weightDecay?: number;
  readonly rows?: number;
  readonly layer?: string;
  readonly loss?: string;
  readonly newton?: boolean;
  readonly kinds?: boolean;
  readonly add?: string;
  readonly addLabels?: string;
  readonly json?: boolean;
}

/** Where an influence run says what it does. */
export interface InfluenceSession extends ShardSession {
  /** How scores become effects, where that is known. Default: what `--calibrate` measures, or measured before. */
  readonly calibrationOf?: () => Promise<CalibrationDocument | undefined>;
  /** Told what was opened, before long work. */
  readonly check?: (opened: { readonly model: LoadedModel; readonly data: Dataset }) => Promise<void>;
}

/** What a query found, and how its rows are shown. */
export interface ComputedInfluence {
  readonly document: InfluenceDocument;
  readonly views: { readonly rows: RowViews; readonly query: RowViews };
  /** Attribution maps of the first rows; undefined where the rows are no images. */
  readonly maps: () => Promise<RowMaps | undefined>;
}

/**
 * Computes what `wherefore influence` asks, and hands it on while the models are open.
 * @throws WhereforeError as `influenceData`, and where something named is not there
 */
export async function computeInfluence<T>(
  query: string | undefined,
  options: InfluenceOptions,
  session: InfluenceSession,
  use: (computed: ComputedInfluence) => Promise<T>,
): Promise<T> {
  const { signal, command, progress, say } = session;
  const onProgress = (stage: string, done: number, total: number) =>
    progress.update(done / total, () => `${stage}: ${done} of ${total} rows`);
  const settings = parseSettings(
    options.set,
    [influenceTable as never],
    'METHOD.PARAMETER=VALUE, e.g. ek-fac.share=0.2',
  );
  checkSettings(settings, options.method);
  const named = options.method === undefined ? undefined : influenceMethodNamed(options.method);
  if (options.redact && named?.additive === false)
    throw new WhereforeError('invalid-argument', '--redact leaves nothing of a method whose scores do not add up', {
      got: `--method ${options.method}`,
      fix: 'choose another method, or none: the default adds up',
    });
  checkKinds(options, named?.needs);
  const read = new Set<string>();
  const paths = new Map<LoadedModel, CheckpointPath>();
  const how = { ...runtimeOf(options), preprocessing: options.preprocessing };
  const load = async (path: string) => {
    const loaded = await observeReads(noteReads(read), () => loadModel(path, how));
    paths.set(loaded, { model: path });
    return loaded;
  };
  let kept: ReturnType<typeof storesFor> | undefined;
  try {
    const model = await load(options.model);
    const seeds: LoadedModel[] = [];
    for (const path of options.seeds ?? []) seeds.push(sameArchitecture(model, await load(path), path));
    const open = () => openCheckpoints(options.model, options, how, options.method === 'source');
    const checkpoints = await observeReads(noteReads(read), open);
    for (const { model: own, path } of checkpoints) {
      paths.set(own, path);
      sameArchitecture(model, own, path.checkpoint ?? path.model);
    }
    const rows = describedRows(options);
    const described = { model, ...rows };
    const opened = await observeReads(noteReads(read), () => openDataset(options.data, described));
    const data = withKeptHashes(opened);
    const decided = await openDecided(data, options.decisions, model.labels);
    await session.check?.({ model, data: decided.data });
    const classes = data.classes ?? model.labels ?? [];
    const target = options.class === undefined ? undefined : classNamed(options.class, classes);
    const slices = asksSlices(options)
      ? await openSliceQuery(options, model, described, { data, class: target, signal, onProgress })
      : undefined;
    const asked = slices
      ? askedOf(slices)
      : await openQuery(query as string, options.from, model, described, opened.preprocessing);
    const stored = { data, described: rows, read, signal, say, onProgress };
    kept = storesFor(options, { ...stored, pathOf: ({ model }) => paths.get(model) as CheckpointPath });
    // A store is of the rows as the files have them.
    if (options.decisions !== undefined) say(`${decided.notes.at(-1)}; no gradients are kept`);
    const request: InfluenceDataOptions = {
      model,
      data: decided.data,
      query: asked.data,
      ...(slices ? { measured: slices } : { target }),
      method: options.method,
      parameters: options.method === undefined ? undefined : settings[options.method],
      seeds,
      checkpoints,
      loss: options.loss,
      weightDecay: options.weightDecay,
      count: options.rows,
      redact: options.redact,
      texts: slices ? undefined : await textsOf(decided, asked),
      dataNotes: opened.notes,
      layer: options.layer,
      seed: options.seed,
      command,
      signal,
      onProgress,
      onCost: say,
      store: options.decisions === undefined ? kept.store : undefined,
      eigen: kept.eigen,
      byteBudget: options.memory && (options.memory * 2 ** 20) / 2,
      newton: options.newton,
      kinds: options.kinds,
      added: await openAdded(options, described, data.classes ?? model.labels),
    };
    const calibrationOf = session.calibrationOf ?? calibrator(options, { ...session, model, request });
    const found = await influenceData(request, calibrationOf);
    const document = { ...found, asked: await recordAsked({ ...options }, versionsOf(model), query) };
    const asMaps = { model, data: decided.data, query: asked.data, signal, onProgress };
    const maps = () =>
      rowMaps(document, asMaps).catch((error: unknown) => {
        if (!(error instanceof WhereforeError) || error.code === 'cancelled') throw error;
        say(`no attribution maps: ${error.message}`);
        return undefined;
      });
    return await use({ document, views: { rows: decided.views, query: asked.views }, maps });
  } finally {
    await kept?.close();
    for (const one of paths.keys()) await one.close();
  }
}

/** The rows of slices as a query; one by one they are not shown. */
const askedOf = ({ rows }: SliceQuery): AskedQuery => ({ data: rows, views: async () => [] });

/** @throws WhereforeError `invalid-argument` where kinds could not be told, or would not be shown */
function checkKinds({ kinds, plain, method }: InfluenceOptions, needs: readonly string[] | undefined): void {
  if (!kinds) return;
  if (plain)
    throw new WhereforeError('invalid-argument', 'kinds of rows are not on the page of --plain', {
      fix: 'leave out --kinds or --plain',
    });
  if (needs && !needs.includes('gradients') && !needs.includes('checkpoints'))
    throw new WhereforeError('invalid-argument', 'kinds of rows are told by gradients, and this method has none', {
      got: `--method ${method}`,
      fix: 'choose a method with gradients, e.g. ek-fac, or leave out --kinds',
    });
}

/** @throws WhereforeError `invalid-argument`, `unknown-name` for parameters of other methods, or wrong ones */
function checkSettings(settings: Readonly<Record<string, unknown>>, method: string | undefined): void {
  const [other] = Object.keys(settings).filter((name) => name !== method);
  if (other !== undefined)
    throw new WhereforeError('invalid-argument', `--set names ${other}, which is not the method that answers`, {
      got: method === undefined ? 'no --method' : `--method ${method}`,
      fix: `add --method ${other}, or leave the setting out`,
    });
  if (method !== undefined) checkParameters(method, settings[method]);
}

/** A model with weights of the same shapes. @throws WhereforeError `wrong-shape` for another architecture */
function sameArchitecture(model: LoadedModel, other: LoadedModel, where: string): LoadedModel {
  const shapes = ({ source }: LoadedModel) =>
    [...source.graph.initializers.values()]
      .flatMap(({ type, shape }) => (shape.length > 0 && /float|double/.test(type) ? [formatShape(shape)] : []))
      .sort();
  const [own, theirs] = [shapes(model), shapes(other)];
  const missing = own.find((shape, i) => theirs[i] !== shape);
  if (own.length === theirs.length && missing === undefined) return other;
  throw new WhereforeError('wrong-shape', 'this is a model of another architecture', {
    where,
    got: `weights ${theirs.slice(0, 6).join(', ')}`,
    expected: own.slice(0, 6).join(', '),
    fix: 'name models that were trained as --model was',
  });
}

/** Rows and query as texts, where both are. */
async function textsOf({ data, views }: DecidedRowsOfFile, asked: AskedQuery) {
  const [query] = await asked.views([0]);
  if (query.kind !== 'text') return undefined;
  const rows = await views(Array.from(range(0, data.length)));
  return { rows: rows.map((row) => (row.kind === 'text' ? row.text : '')), queries: [query.text] };
}

/** Rows that could be added. @throws WhereforeError `invalid-data` where they have no labels */
async function openAdded(
  { add, addLabels }: InfluenceOptions,
  described: Parameters<typeof openDataset>[1],
  classes: readonly string[] | undefined,
): Promise<Dataset | undefined> {
  if (add === undefined) return undefined;
  const opened = await openDataset(add, { ...described, classes: classes && [...classes], labels: addLabels });
  if (opened.labels?.type === 'int64') return opened;
  throw new WhereforeError('invalid-data', 'rows to add have no classes', {
    where: add,
    fix: 'name the column of their labels, or give --add-labels',
  });
}
