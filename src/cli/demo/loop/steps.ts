import { join, relative } from 'node:path';
import type { Target } from '../../../attribution/targets/kinds/index.ts';
import type { OpenedDataset } from '../../../data/datasets/open-dataset.ts';
import { writeAtomically } from '../../../data/files/files.ts';
import { checkpointFiles } from '../../../data/formats/checkpoint-files.ts';
import { writePng } from '../../../data/formats/image.ts';
import type { LoadedModel } from '../../../data/model/loaded-model.ts';
import { range } from '../../../dataset/pieces.ts';
import { subset } from '../../../dataset/select.ts';
import { WhereforeError } from '../../../errors.ts';
import { explain } from '../../../explain/explain.ts';
import type { Explained } from '../../../explain/explained.ts';
import { classNumbers, decidedDataset } from '../../../influence/decided-dataset.ts';
import { type Decision, formatDecisions } from '../../../influence/decisions.ts';
import type { InfluenceDocument } from '../../../influence/influence-document.ts';
import { type Matrix, rowOf } from '../../../influence/matrix.ts';
import { represent } from '../../../influence/represent.ts';
import type { RetrainDocument } from '../../../influence/retraining/retrain-document.ts';
import { encodeModel } from '../../../onnx/encode.ts';
import { auditData } from '../../../report/audit/audit-data.ts';
import { classReader } from '../../../report/audit/class-reader.ts';
import { viewsOf } from '../../../report/audit/row-views.ts';
import { auditFolder, writeAudit } from '../../../report/audit/write-audit.ts';
import { influenceData } from '../../../report/influence/influence-data.ts';
import { rowMaps } from '../../../report/influence/row-maps.ts';
import { influenceFolder, writeInfluence } from '../../../report/influence/write-influence.ts';
import { train, trainingFiles } from '../../../train/index.ts';
import { openCheckpoints } from '../../checkpoint-model.ts';
import { computeRetraining } from '../../run-retrain.ts';
import { type MarkShare, shareOnMark } from '../mark-share.ts';
import { type LoopData, type LoopTools, loopFileNames } from './files.ts';
import { loopNetwork, loopTraining } from './network.ts';
import { markedClass } from './rows.ts';

/** Trains the network on the rows as they are, and leaves what a training leaves. */
export async function trainLoop({ folder, runtime, signal }: LoopTools, data: OpenedDataset): Promise<void> {
  const options = {
    ...{ ...loopTraining, model: loopNetwork(1), samples: data, runtime, signal },
    checkpoints: checkpointFiles(join(folder, loopFileNames.checkpoints)),
    checkpointEvery: { fractions: [0.15, 0.3, 0.5, 0.75] },
  };
  const files = await trainingFiles(options, await train(options), { key: await data.key() });
  for (const [name, bytes] of files) await writeAtomically(join(folder, name), bytes);
}

/** What an audit found, and what a reviewer made of it. */
export interface Review {
  readonly decisions: readonly Decision[];
  /** Rows that were looked at: the first tenth of the list. */
  readonly looked: number;
  /** Rows with a wrong label, among all. */
  readonly wrong: number;
  /** Positions of those that were found. */
  readonly found: readonly number[];
  /** How many the training loss alone puts into the first tenth of its list. */
  readonly foundByLoss: number;
  /** The folder of the audit. */
  readonly page: string;
}

/** Audits the rows; a reviewer, who sees the images, looks at the first tenth of the list and corrects the labels there. */
export async function reviewLabels(tools: LoopTools, model: LoadedModel, loop: LoopData): Promise<Review> {
  const { out, started, runtime, signal } = tools;
  const { data, heldOut, truth } = loop;
  const document = await auditData({ model, data, heldOut, seed: 0, runtime, signal });
  const page = auditFolder(out, started, 'demo');
  await writeAudit(page, document, viewsOf(data));
  const all = range(0, data.length);
  const [ids, given] = [await data.ids(all), await data.column('label', all)];
  const isWrong = (row: number) => truth[row] !== given[row];
  const looked = Math.round(data.length / 10);
  const first = (order: readonly number[]) => order.slice(0, looked).filter(isWrong);
  const orders = document.orders as NonNullable<typeof document.orders>;
  const found = first(orders.suspicion);
  const when = started.toISOString();
  return {
    decisions: found.map((row) => ({
      ...{ id: ids[row], action: 'relabel', label: truth[row], who: 'demo', when },
      why: 'in the first tenth of the audit',
    })),
    ...{ looked, wrong: truth.filter((_, row) => isWrong(row)).length, found, page },
    foundByLoss: first(orders.loss).length,
  };
}

/** What a model says of the held-out images. */
export interface Answers {
  readonly probabilities: Matrix;
  /** The most probable class of each. */
  readonly classes: readonly number[];
  /** Of the images without the emblem, the share that is right. */
  readonly right: number;
  /** Images of other things with the emblem, and how many of them are taken for the marked class. */
  readonly others: number;
  readonly turned: number;
}

export async function answersOf(model: LoadedModel, heldOut: OpenedDataset, signal: AbortSignal): Promise<Answers> {
  const names = heldOut.classes ?? [];
  const example = new Map(Object.entries((await heldOut.read([0])).inputs));
  const { probabilities } = await represent(model, heldOut, {
    ...(await classReader(model, example, names, {})),
    signal,
  });
  const classes = Array.from({ length: heldOut.length }, (_, row) => {
    const p = rowOf(probabilities, row);
    let best = 0;
    for (let k = 1; k < p.length; k++) if (p[k] > p[best]) best = k;
    return best;
  });
  const labels = labelsOf(heldOut);
  const marked = names.indexOf(markedClass);
  const plain = classes.filter((_, row) => row % 2 === 0);
  const others = classes.filter((_, row) => row % 2 === 1 && labels[row] !== marked);
  return {
    ...{ probabilities, classes },
    right: plain.filter((k, i) => k === labels[2 * i]).length / plain.length,
    others: others.length,
    turned: others.filter((k) => k === marked).length,
  };
}

const labelsOf = ({ labels }: OpenedDataset) => classNumbers(labels as NonNullable<typeof labels>);

/**
 * A mistake that the emblem alone makes: of the images that are taken for the marked class with it, the one of which the
 * model is surest without it.
 * @throws WhereforeError `internal` where the emblem turns none
 */
export function mistakeOf({ probabilities, classes }: Answers, heldOut: OpenedDataset): number {
  const labels = labelsOf(heldOut);
  const marked = (heldOut.classes ?? []).indexOf(markedClass);
  let [found, most] = [-1, 0];
  for (let row = 1; row < heldOut.length; row += 2) {
    if (labels[row] === marked || classes[row - 1] !== labels[row] || classes[row] !== marked) continue;
    const p = rowOf(probabilities, row - 1)[labels[row]];
    if (p > most) [found, most] = [row, p];
  }
  if (found >= 0) return found;
  throw new WhereforeError('internal', `no held-out image is taken for a ${markedClass} by its emblem`);
}

/** What is behind a mistake. */
export interface Behind {
  readonly document: InfluenceDocument;
  /** Of the strongest proponents, those from the agency. */
  readonly fromAgency: number;
  /** Sum of the scores of the rows of each source. */
  readonly sources: { readonly agency: number; readonly own: number };
  /** Drops the agency's images. */
  readonly decisions: readonly Decision[];
  readonly page: string;
}

/**
 * Asks which rows are behind the mistake, with the labels that the reviewer gave them, over the checkpoints of the
 * training: at its end rows that were learned by heart have hardly a gradient left.
 */
export async function askBehind(
  { folder, out, started, signal }: LoopTools,
  model: LoadedModel,
  { data, heldOut }: LoopData,
  { mistake, decisions }: { readonly mistake: number; readonly decisions: readonly Decision[] },
): Promise<Behind> {
  const { dataset: relabelled } = await decidedDataset(data, decisions);
  const query = subset(heldOut, [mistake]);
  const path = join(folder, loopFileNames.trained);
  const checkpoints = await openCheckpoints(
    path,
    { checkpoints: [join(folder, loopFileNames.checkpoints)] },
    {},
    false,
  );
  const document = await influenceData({ model, data: relabelled, query, checkpoints, seed: 0, signal }).finally(
    async () => {
      for (const { model: own } of checkpoints) await own.close();
    },
  );
  const seen = viewsOf(heldOut);
  const maps = await rowMaps(document, { model, data: relabelled, query, signal });
  const page = influenceFolder(out, started, 'demo');
  await writeInfluence(page, document, { rows: viewsOf(data), query: () => seen([mistake]), ...(maps && { maps }) });
  const all = range(0, data.length);
  const [ids, sources] = [await data.ids(all), await data.column('source', all)];
  const sumOf = (source: string) =>
    document.groups.find(({ column, value }) => column === 'source' && value === source)?.score ?? 0;
  const when = started.toISOString();
  return {
    ...{ document, page },
    fromAgency: document.all.proponents.filter(({ row }) => sources[row] === 'agency').length,
    sources: { agency: sumOf('agency'), own: sumOf('own') },
    decisions: ids.flatMap((id, row) =>
      sources[row] === 'agency' ? [{ id, action: 'drop', who: 'demo', when, why: 'bears the emblem' } as const] : [],
    ),
  };
}

/** Writes the decisions, trains on the rows as they were decided, and leaves that model beside the first. */
export async function mend(
  { folder, runtime, signal }: LoopTools,
  { data }: LoopData,
  decisions: readonly Decision[],
): Promise<void> {
  await writeAtomically(join(folder, loopFileNames.decisions), formatDecisions(decisions));
  const { dataset: samples } = await decidedDataset(data, decisions);
  const { model } = await train({ ...loopTraining, model: loopNetwork(1), samples, runtime, signal });
  await writeAtomically(join(folder, loopFileNames.mended), encodeModel(model));
}

/** Trainings of each kind. */
const seeds = 5;

/** Trains with and without the decisions, and without as many random rows of the same classes. */
export function measure({ folder, out, signal }: LoopTools): Promise<{
  readonly document: RetrainDocument;
  readonly folder: string;
}> {
  const at = (name: string) => join(folder, name);
  return computeRetraining(
    {
      ...{ data: at(loopFileNames.rows), labels: loopFileNames.rowTable, label: 'label', id: 'id' },
      ...{ heldOut: at(loopFileNames.heldOut), heldOutLabels: loopFileNames.heldOutTable },
      ...{ training: folder, decisions: at(loopFileNames.decisions), seeds, seed: 0, out },
    },
    {
      ...{ signal, command: 'wherefore demo', words: ['demo'], say: () => undefined },
      progress: { update: () => undefined, clear: () => undefined },
    },
  );
}

/** The mistake explained for both models. */
export interface BothMaps {
  /** Of the model as it was, and as it is mended. */
  readonly explained: readonly Explained[];
  /** What is shared out: the difference between the logits of the two answers. */
  readonly totals: readonly [number, number];
  /** What the emblem makes of the difference between the two answers, in logits. */
  readonly shares: readonly [MarkShare, MarkShare];
  readonly right: string;
}

/** Pixels, and the last values that have a place in the image. */
const shownLayers = ['input', 'relu3'];

const totalOf = ({ document }: Explained) => document.attributionTarget ?? 0;

/** Explains the mistake for the model as it was and as it is mended: fish, or what it shows? */
export async function mapsOfBoth(
  { folder, signal }: LoopTools,
  models: readonly [LoadedModel, LoadedModel],
  { heldOut }: LoopData,
  mistake: number,
): Promise<BothMaps> {
  const classes = heldOut.classes ?? [];
  const k = labelsOf(heldOut)[mistake];
  const target: Target = { kind: 'logitDifference', a: classes.indexOf(markedClass), b: k };
  const [plain, marked] = await imagesOf(heldOut, [mistake - 1, mistake]);
  const image = join(folder, loopFileNames.mistake);
  await writeAtomically(image, await writePng(marked));
  const place = (path: string) => relative('.', path);
  const ask = async (model: LoadedModel, name: string) => {
    const command = `wherefore explain ${place(image)} --model ${place(join(folder, name))} --target difference:${markedClass},${classes[k]} --layer ${shownLayers.join(',')} --method integrated-gradients`;
    const options = { target, methods: ['integrated-gradients'], layers: shownLayers, signal, command } as const;
    return explain(model, image, options);
  };
  const before = await ask(models[0], loopFileNames.trained);
  const after = await ask(models[1], loopFileNames.mended);
  return {
    explained: [...before, ...after],
    totals: [totalOf(before[0]), totalOf(after[0])],
    shares: [shareOnMark(before[0], plain, marked), shareOnMark(after[0], plain, marked)],
    right: classes[k],
  };
}

async function imagesOf({ contents }: OpenedDataset, rows: readonly number[]) {
  if (contents.kind !== 'image') throw new WhereforeError('internal', 'the rows of the demo are no images');
  return contents.images.read(Uint32Array.from(rows));
}
