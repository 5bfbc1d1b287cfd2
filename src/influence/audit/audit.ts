import { WhereforeError } from '../../errors.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { classOrderNotes } from '../class-order.ts';
import { kMeans, nearestCentre } from '../clusters.ts';
import { type Matrix, rowOf } from '../matrix.ts';
import { lossesOf } from '../methods/controls.ts';
import { type Neighbours, nearestNeighbours } from '../neighbours.ts';
import type { AuditDocument, AuditedRow, ConfusedClasses, DataSetProblems } from './document.ts';
import { exactDuplicates, type Leak, leaks, nearDuplicates, nearShare, nearThreshold } from './duplicates.ts';
import { type LabelEvidence, labelEvidence } from './label-evidence.ts';
import { outlierScore, outliers } from './outliers.ts';
import { type ProblemKind, problemKinds, type RowProblem } from './problems.ts';
import { undersampledRegions } from './regions.ts';
import { suspiciousGroups } from './suspicious-groups.ts';

/** What is known of some rows. */
export interface AuditedRows {
  /** Stable names and hashes of the contents, by row. */
  readonly ids: readonly string[];
  readonly hashes: readonly string[];
  readonly from: readonly string[];
  /** Numbers in which copies and outliers are looked for: the inputs, or representations. */
  readonly content: Matrix;
  /** Representations among which neighbours vote. Default: the content. */
  readonly embeddings?: Matrix;
  readonly labels?: Int32Array;
  readonly probabilities?: Matrix;
  /** Values of columns (source, annotator, date), by row; '' where one is missing. */
  readonly columns: ReadonlyMap<string, readonly string[]>;
}

export interface AuditOptions {
  readonly rows: AuditedRows;
  readonly heldOut?: AuditedRows;
  readonly classes: readonly string[];
  /** Whether the probabilities are of models that were not trained on the row. */
  readonly outOfSample: boolean;
  /** Rows that a person has decided about: nothing is said of them again. */
  readonly settled?: Uint8Array;
  /** Influence of each row on the held-out loss; negative: it harms. */
  readonly influence?: Float64Array;
  readonly runtime: Runtime;
  /** Default 10. */
  readonly neighbours?: number;
  /** Share of the median distance to the nearest row below which rows are nearly the same. Default {@link nearShare}. */
  readonly near?: number;
  /** Clusters of representations that count as regions; default 20, 0: none. */
  readonly clusters?: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

/** What {@link audit} finds; who calls it knows where model and data come from. */
export type Findings = Pick<AuditDocument, 'counts' | 'rows' | 'groups' | 'dataSet' | 'orders' | 'settings' | 'notes'>;

/**
 * Looks for what is wrong in training rows: labels, copies, contradictions, outliers, leaks, undersampled regions,
 * suspicious groups. One list of rows, the most severe first, and one of the data set as a whole.
 * @throws WhereforeError `invalid-data` for fewer than two rows or, with labels, fewer than two classes; `wrong-shape`
 *   where the parts differ in their rows; `out-of-range` for a label that is no class; `not-finite`; `cancelled`
 */
export async function audit(options: AuditOptions): Promise<Findings> {
  checkAudited(options);
  const { rows, heldOut, classes, runtime, seed, signal, onProgress } = options;
  const { neighbours: k = 10, near = nearShare, clusters = 20 } = options;
  const search = (stage: string, from: Matrix, among: Matrix, exceptSelf: boolean) =>
    nearestNeighbours(runtime, from, among, k, {
      exceptSelf,
      signal,
      onProgress: (done, total) => onProgress?.(stage, done, total),
    });
  const byContent = await search('copies and outliers', rows.content, rows.content, true);
  const byMeaning =
    rows.embeddings && rows.embeddings !== rows.content
      ? await search('neighbours', rows.embeddings, rows.embeddings, true)
      : byContent;
  const threshold = nearThreshold(byContent, near);
  const leaked = heldOut
    ? leaks(
        await search('held-out rows', heldOut.content, rows.content, false),
        threshold,
        { rows: rows.hashes, heldOut: heldOut.hashes },
        { rows: rows.labels, heldOut: heldOut.labels },
      )
    : [];
  const groups = [
    ...exactDuplicates(rows.hashes, rows.labels),
    ...nearDuplicates(byContent, threshold, rows.hashes, rows.labels),
  ];
  const evidence =
    rows.labels && rows.probabilities ? labelEvidence(rows.probabilities, rows.labels, byMeaning) : undefined;
  const problems = rowProblems(options, { byContent, groups, leaked, evidence });
  const list = auditedRows(options, { problems, evidence, byMeaning });
  const counts = Object.fromEntries(Object.keys(problemKinds).map((kind) => [kind, 0])) as Record<ProblemKind, number>;
  for (const found of problems.values())
    for (const kind of new Set(found.map((problem) => problem.kind))) counts[kind]++;
  return {
    counts,
    rows: list,
    groups,
    dataSet: dataSetProblems(options, { evidence, leaked, clusters }),
    ...(evidence && { orders: ordersOf(evidence) }),
    settings: { neighbours: byContent.count, nearShare: near, nearDistance: threshold, seed },
    notes: notesOf(options, classes),
  };
}

interface Found {
  readonly byContent: Neighbours;
  readonly groups: Findings['groups'];
  readonly leaked: readonly Leak[];
  readonly evidence: LabelEvidence | undefined;
}

/** The problems of every row that has one. */
function rowProblems(
  { rows, settled }: AuditOptions,
  { byContent, groups, leaked, evidence }: Found,
): Map<number, RowProblem[]> {
  const problems = new Map<number, RowProblem[]>();
  const add = (row: number, problem: RowProblem) => {
    if (settled?.[row]) return;
    const known = problems.get(row);
    if (known) known.push(problem);
    else problems.set(row, [problem]);
  };
  evidence?.flagged.forEach((flag, row) => {
    if (flag) add(row, { kind: 'label' });
  });
  for (const [group, { kind, rows: members, conflict }] of groups.entries()) {
    const name =
      kind === 'exact'
        ? conflict
          ? 'contradiction'
          : 'duplicate'
        : conflict
          ? 'near-contradiction'
          : 'near-duplicate';
    for (const row of members) add(row, { kind: name, group });
  }
  for (const { row, heldOut, kind, distance, conflict } of leaked)
    add(row, { kind: kind === 'exact' ? 'leak' : 'near-leak', heldOut, distance, conflict });
  const { scores, distances, median } = outliers(byContent, rows.ids.length);
  scores.forEach((score, row) => {
    if (score >= outlierScore) add(row, { kind: 'outlier', score, distance: distances[row], median });
  });
  return problems;
}

interface Listed {
  readonly problems: ReadonlyMap<number, readonly RowProblem[]>;
  readonly evidence: LabelEvidence | undefined;
  readonly byMeaning: Neighbours;
}

/** Neighbours that are shown with a row. */
const shownNeighbours = 5;

function auditedRows({ rows, influence }: AuditOptions, { problems, evidence, byMeaning }: Listed): AuditedRow[] {
  const { labels, probabilities } = rows;
  const ranks = evidence && {
    loss: ranksFromLargest(evidence.losses),
    margin: ranksFromLargest(evidence.margins.map((margin) => -margin)),
  };
  const list = [...problems].map(([row, found]): AuditedRow => {
    const neighbours = Array.from({ length: Math.min(shownNeighbours, byMeaning.count) }, (_, j) => {
      const at = row * byMeaning.count + j;
      const index = byMeaning.indices[at];
      return { row: index, distance: byMeaning.distances[at], ...(labels && { label: labels[index] }) };
    });
    const agreement = evidence?.agreement[row];
    const label =
      evidence && ranks && labels && probabilities
        ? {
            given: labels[row],
            suggested: evidence.suggested[row],
            probability: rowOf(probabilities, row)[labels[row]],
            suggestedProbability: evidence.suggested[row] < 0 ? 0 : rowOf(probabilities, row)[evidence.suggested[row]],
            loss: evidence.losses[row],
            lossRank: ranks.loss[row],
            margin: evidence.margins[row],
            confidentRank: ranks.margin[row],
            ...(agreement !== undefined && Number.isFinite(agreement) && { agreement }),
          }
        : undefined;
    return {
      row,
      id: rows.ids[row],
      from: rows.from[row],
      severity: severityOf(found, evidence?.suspicion[row]),
      problems: found,
      ...(label && { label }),
      ...(influence && { influence: influence[row] }),
      neighbours,
    };
  });
  return list.sort((a, b) => b.severity - a.severity || a.row - b.row);
}

/** The weight of the worst problem; within 5 hundredths below it, rows of a kind are in the order of their evidence. */
function severityOf(problems: readonly RowProblem[], suspicion: number | undefined): number {
  let most = 0;
  for (const problem of problems) {
    const { weight } = problemKinds[problem.kind];
    const certainty = problem.kind === 'outlier' ? 1 - outlierScore / (outlierScore + problem.score) : (suspicion ?? 1);
    most = Math.max(most, weight - 0.05 * (1 - certainty));
  }
  return most;
}

/** Places from 1, the largest value first. */
function ranksFromLargest(values: Float64Array): Uint32Array {
  const ranks = new Uint32Array(values.length);
  orderFromLargest(values).forEach((row, i) => {
    ranks[row] = i + 1;
  });
  return ranks;
}

function orderFromLargest(values: Float64Array): number[] {
  return Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
}

const ordersOf = ({ suspicion, losses, margins }: LabelEvidence) => ({
  suspicion: orderFromLargest(suspicion),
  loss: orderFromLargest(losses),
  'confident-learning': orderFromLargest(margins.map((margin) => -margin)),
});

interface Whole {
  readonly evidence: LabelEvidence | undefined;
  readonly leaked: readonly Leak[];
  readonly clusters: number;
}

function dataSetProblems(options: AuditOptions, { evidence, leaked, clusters }: Whole): DataSetProblems {
  const { rows, heldOut, classes, seed } = options;
  const flagged = evidence?.flagged ?? new Uint8Array(rows.ids.length);
  const perClass = classes.map((_, k) => ({ class: k, rows: 0, flagged: 0 }));
  rows.labels?.forEach((label, i) => {
    perClass[label].rows++;
    perClass[label].flagged += flagged[i];
  });
  const exact = leaked.filter(({ kind }) => kind === 'exact').length;
  return {
    classes: rows.labels ? perClass : [],
    confused: evidence && rows.labels ? confusedClasses(evidence, rows.labels, perClass) : [],
    groups: evidence ? suspiciousGroups(rows.columns, flagged) : [],
    undersampled: heldOut ? undersampled(rows, heldOut, classes, clusters, seed) : [],
    leaks: { exact, near: leaked.length - exact, heldOut: heldOut?.ids.length ?? 0 },
  };
}

function confusedClasses(
  { flagged, suggested }: LabelEvidence,
  labels: Int32Array,
  perClass: readonly { readonly rows: number }[],
): ConfusedClasses[] {
  const counts = new Map<string, number>();
  for (let i = 0; i < labels.length; i++) {
    if (!flagged[i]) continue;
    const key = `${labels[i]},${suggested[i]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .map(([key, rows]) => {
      const [given, other] = key.split(',').map(Number);
      return { given, suggested: other, rows, share: rows / perClass[given].rows };
    })
    .sort((a, b) => b.rows - a.rows || b.share - a.share);
}

function undersampled(
  rows: AuditedRows,
  heldOut: AuditedRows,
  classes: readonly string[],
  clusters: number,
  seed: number,
) {
  const slices = (of: AuditedRows, assignment: readonly string[] | undefined) =>
    new Map([
      ...of.columns,
      ...(of.labels ? [['class', Array.from(of.labels, (k) => classes[k])] as const] : []),
      ...(assignment ? [['cluster', assignment] as const] : []),
    ]);
  let [here, there]: (string[] | undefined)[] = [undefined, undefined];
  const [meaning, other] = [rows.embeddings ?? rows.content, heldOut.embeddings ?? heldOut.content];
  // Of the held-out rows, because a region that training lacks has no cluster of its own there.
  if (clusters > 0) {
    const { assignment, centres } = kMeans(other, clusters, seed);
    there = Array.from(assignment, String);
    here = Array.from({ length: meaning.rows }, (_, i) => String(nearestCentre(rowOf(meaning, i), centres).centre));
  }
  const losses = heldOut.probabilities && heldOut.labels ? lossesOf(heldOut.probabilities, heldOut.labels) : undefined;
  return undersampledRegions(slices(rows, here), slices(heldOut, there), losses);
}

function notesOf({ rows, heldOut, outOfSample }: AuditOptions, classes: readonly string[]): string[] {
  const notes = rows.labels && rows.probabilities ? [...classOrderNotes(rows.probabilities, rows.labels, classes)] : [];
  if (!rows.labels) notes.push('no labels: only copies and outliers were looked for');
  else if (!rows.probabilities) notes.push('no probabilities: labels were not checked');
  else if (!outOfSample)
    notes.push(
      'the model was trained on these rows, or may have been: a wrong label that it learned by heart has a small loss. Probabilities of models that did not see the row (cross-validation) find more',
    );
  if (!heldOut) notes.push('no held-out data: leaks and undersampled regions were not looked for');
  if (rows.labels && rows.labels.length < 10 * classes.length)
    notes.push(`${rows.labels.length} rows for ${classes.length} classes: thresholds of classes are rough`);
  return notes;
}

/** @throws WhereforeError before any work */
function checkAudited({ rows, heldOut, classes, influence }: AuditOptions): void {
  const count = rows.ids.length;
  if (count < 2)
    throw new WhereforeError('invalid-data', 'an audit compares rows', { got: `${count}`, expected: 'at least 2' });
  if (influence && influence.length !== count)
    throw new WhereforeError('wrong-shape', 'influences', { got: `${influence.length}`, expected: `${count}` });
  if (rows.labels && new Set(rows.labels).size < 2)
    throw new WhereforeError('invalid-data', 'all rows have one label', {
      got: classes[rows.labels[0]],
      expected: 'at least two classes',
      fix: 'name the right column of labels, or leave the labels out to look for copies and outliers only',
    });
  for (const [of, name] of [
    [rows, 'training'],
    [heldOut, 'held-out'],
  ] as const) {
    if (of) checkRows(of, name, classes);
  }
  if (heldOut && heldOut.content.columns !== rows.content.columns)
    throw new WhereforeError('wrong-shape', 'held-out rows differ from the training rows', {
      got: `${heldOut.content.columns} numbers a row`,
      expected: `${rows.content.columns}`,
    });
}

function checkRows(of: AuditedRows, name: string, classes: readonly string[]): void {
  const count = of.ids.length;
  const lengths = {
    hashes: of.hashes.length,
    content: of.content.rows,
    embeddings: of.embeddings?.rows,
    labels: of.labels?.length,
    probabilities: of.probabilities?.rows,
  };
  for (const [part, length] of Object.entries(lengths)) {
    if (length !== undefined && length !== count)
      throw new WhereforeError('wrong-shape', `${part} of the ${name} rows`, {
        got: `${length}`,
        expected: `${count}`,
      });
  }
  const bad = of.labels?.findIndex((label) => !(label >= 0 && label < classes.length)) ?? -1;
  if (bad >= 0)
    throw new WhereforeError('out-of-range', 'a label is no class', {
      where: of.from[bad],
      got: `${of.labels?.[bad]}`,
      expected: `0 to ${classes.length - 1}`,
    });
  if (of.probabilities && of.probabilities.columns !== classes.length)
    throw new WhereforeError('wrong-shape', `probabilities of the ${name} rows`, {
      got: `${of.probabilities.columns} classes`,
      expected: `${classes.length}`,
      fix: 'take the probabilities of a model for these classes, in their order',
    });
  for (const part of ['content', 'embeddings', 'probabilities'] as const) {
    const data = of[part]?.data;
    const at = data ? data.findIndex((value) => !Number.isFinite(value)) : -1;
    if (at >= 0)
      throw new WhereforeError('not-finite', `${part} of a ${name} row`, {
        where: of.from[Math.floor(at / (of[part]?.columns ?? 1))],
        got: String(data?.[at]),
        fix: 'fix or leave out the row, or look for weights of the model that are not finite',
      });
  }
}
