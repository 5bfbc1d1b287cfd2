import * as z from 'zod/mini';
import type { Passes } from '../attribution/prepared.ts';
import { FileMemo } from '../data/files/file-memo.ts';
import { portablePath } from '../data/files/portable-path.ts';
import { writeSafetensors } from '../data/formats/safetensors.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import { splitSelection } from '../data/inputs/row-selection.ts';
import { bareRow, isNamed } from '../data/inputs/tensor-input.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { explain } from '../explain/explain.ts';
import type { ExplainOptions } from '../explain/explain-options.ts';
import type { Explained } from '../explain/explained.ts';
import { figuresOf } from '../page/figures.ts';
import { failedRow, type ResultRow, resultColumns, resultRow } from '../report/many/result-row.ts';
import { sheetCell, sheetOf } from '../report/many/sheet.ts';
import { writeRows } from '../run/rows.ts';
import type { Shard, ShardJob, ShardProgram, ShardResult } from '../run/shard.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { filesAt, namedFiles } from './named-files.ts';
import { parseQuestion } from './question-text.ts';

const texts = z.optional(z.array(z.string()));

/** The command's words, without the inputs: they are in the data of the work. */
const parameters = z.object({
  model: z.string(),
  ...namedFiles,
  target: texts,
  baseline: texts,
  layer: texts,
  method: texts,
  groups: z.optional(z.string()),
  textColumn: z.optional(z.string()),
  set: z.array(z.string()),
  score: z.optional(z.boolean()),
  memory: z.optional(z.number()),
  /** What is read beside model and inputs, by hash: a changed file is another question. */
  beside: z.record(z.string(), z.string()),
});

export type ExplainParameters = z.infer<typeof parameters>;

/** The inputs in their order: each as it was named, with the hash of its file where it is one. */
export const explainedItems = z.array(z.object({ source: z.string(), hash: z.optional(z.string()) }));

/** Files of a shard. */
export const explainFiles = { rows: 'rows.parquet', tensors: 'tensors.safetensors', sheet: 'maps.jpg' } as const;

/** `explain` of many inputs: rows, the attributions, and a sheet of small maps, for a range of the inputs. */
export const explainProgram: ShardProgram = {
  version: 1,
  async open(job) {
    const asked = parameters.parse(job.work.parameters);
    const content = new TextDecoder().decode(await job.blob(job.work.data as string));
    const items = explainedItems.parse(JSON.parse(content));
    const { threads } = job;
    const model = await loadModel(await job.file(asked.model), { threads, ...(await filesAt(asked, job.file)) });
    const question = await parseQuestion(model, asked);
    const { score, memory } = asked;
    const memo = new FileMemo();
    const options = { ...question, score, byteBudget: memory && memory * 2 ** 20, signal: job.signal };
    return {
      model: model.hash,
      compute: (shard, report) => explainShard({ model, items, options, job, memo }, shard, report),
      close: () => model.close(),
    };
  },
};

interface Context {
  readonly model: LoadedModel;
  readonly items: z.infer<typeof explainedItems>;
  readonly options: ExplainOptions & { readonly preprocessing: Preprocessing };
  readonly job: ShardJob;
  /** The table or text whose rows are explained one after another. */
  readonly memo: FileMemo;
}

async function explainShard(
  context: Context,
  { from, to }: Shard,
  report: (done: number) => void,
): Promise<ShardResult> {
  const began = performance.now();
  const rows: ResultRow[] = [];
  const cells: Uint8Array[] = [];
  const tensors = new Map<string, Tensor>();
  const cost: Passes = { forward: 0, backward: 0 };
  for (let item = from; item < to; item++) {
    const { source } = context.items[item];
    const place = await placeOf(source, context.job);
    try {
      for (const [part, one] of (await explainItem(context, item, place)).entries()) {
        const [figure] = await figuresOf([one]);
        const cell = figure.kind === 'map' ? cells.push(await sheetCell(figure)) - 1 : undefined;
        rows.push(resultRow({ item, part }, one, cell));
        for (const [name, tensor] of attributionsOf(one)) tensors.set(`${item}/${part}/${name}`, tensor);
        cost.forward += one.document.cost.forward + (one.document.scorecard?.cost.forward ?? 0);
        cost.backward += one.document.cost.backward + (one.document.scorecard?.cost.backward ?? 0);
      }
    } catch (error) {
      // One input that cannot be read is no reason to lose the others: its row says why.
      if (!(error instanceof WhereforeError) || error.code === 'cancelled') throw error;
      rows.push(failedRow(item, told(source), error.message.replaceAll(place, source)));
    }
    report(item - from + 1);
  }
  const files: Record<string, Uint8Array> = {
    [explainFiles.rows]: await writeRows(resultColumns, rows),
    [explainFiles.tensors]: writeSafetensors(tensors),
  };
  if (cells.length > 0) files[explainFiles.sheet] = await sheetOf(cells);
  return { files, cost: { ...cost, seconds: (performance.now() - began) / 1000 } };
}

/** Where an input lies on this machine, with its selection of rows. */
async function placeOf(source: string, { file }: ShardJob): Promise<string> {
  if (isNamed(source) || bareRow(source) !== undefined) return source;
  const { path, selection } = splitSelection(source);
  return withSelection(await file(path), selection);
}

const withSelection = (path: string, selection: string | undefined): string =>
  selection === undefined ? path : `${path}#${selection}`;

async function explainItem(context: Context, item: number, place: string): Promise<Explained[]> {
  const { model, items, options, memo } = context;
  const { source, hash } = items[item];
  const inputs = await readModelInputs(model, place, options.preprocessing, { memo });
  for (const input of inputs) checkHash(source, hash, input.hash);
  // Called what it was called on the commanding machine.
  const named = inputs.map((input) => ({ ...input, source: input.source.replace(told(place), told(source)) }));
  return explain(model, place === source ? inputs : named, options);
}

/** @throws WhereforeError `invalid-data` where a file is not what it was when the work was planned */
function checkHash(where: string, expected: string | undefined, got: string | undefined): void {
  if (expected === undefined || got === undefined || got === expected) return;
  throw new WhereforeError('invalid-data', 'the file was changed while the run was under way', {
    where,
    fix: 'give the command again: it plans anew with the file as it is now',
  });
}

function told(source: string): string {
  if (isNamed(source) || bareRow(source) !== undefined) return source;
  const { path, selection } = splitSelection(source);
  return withSelection(portablePath(path, process.cwd()), selection);
}

/** The attributions and their standard errors; inputs and baselines are computed from the files again. */
function attributionsOf({ document, tensors }: Explained): [string, Tensor][] {
  const kept = [document.attribution, document.standardErrors ?? {}].flatMap((group) => Object.values(group));
  return kept.map(({ key }) => [key, tensors.get(key) as Tensor]);
}
