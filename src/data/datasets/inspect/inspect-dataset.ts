import { throwIfCancelled } from '../../../runtime/runtime.ts';
import { toNumbers } from '../../../tensor/convert.ts';
import type { OpenedDataset } from '../open-dataset.ts';
import { duplicatesOf, groupsByKey, groupsOfPairs } from './duplicates.ts';
import { type Examined, type Examiner, examinerOf, whyBroken } from './examine.ts';
import type { BrokenRow, DatasetInspection, InspectDatasetOptions } from './inspection.ts';
import { nearRules } from './near-keys.ts';
import { nearPairs } from './perceptual-hash.ts';

const defaultLimit = 100_000;
const shownBroken = 20;
/** Rows that are looked at together. */
const together = 256;

/**
 * Looks through a data set without a model: columns, missing values, classes, rows that cannot be read, exact
 * duplicates (by the hash of the content) and near ones (by {@link nearRules}).
 * @throws WhereforeError `cancelled`; what is wrong with the whole and not with a row
 */
export async function inspectDataset(
  dataset: OpenedDataset,
  options: InspectDatasetOptions = {},
): Promise<DatasetInspection> {
  const { limit = defaultLimit, signal, onProgress } = options;
  const { contents, length } = dataset;
  const places = spread(length, limit);
  const examiner = examinerOf(contents);
  const found = new Map<number, Examined & { readonly hash: string }>();
  const broken: BrokenRow[] = [];
  for (let start = 0; start < places.length; start += together) {
    throwIfCancelled(signal);
    const some = places.subarray(start, start + together);
    await examineSome(dataset, examiner, some, found, broken);
    onProgress?.(Math.min(places.length, start + together), places.length);
  }
  const rows = [...found.keys()];
  const all = [...found.values()];
  const hashes = all.map(({ hash }) => hash);
  const { pairs, whole } = nearPairs(all.map(({ sketch }) => sketch));
  const alike =
    contents.kind === 'image'
      ? groupsOfPairs(rows, pairs)
      : groupsByKey(
          rows,
          all.map(({ key }) => key),
        );
  const different = (group: readonly number[]) => new Set(group.map((row) => found.get(row)?.hash)).size > 1;
  const told = (rule: string, groups: readonly (readonly number[])[]) =>
    duplicatesOf(rule, groups, dataset.labels, (row) => dataset.describe(row));
  return {
    name: dataset.name,
    kind: contents.kind,
    rows: length,
    inspected: places.length,
    columns: examiner.columns(),
    labels: labelsOf(dataset),
    broken: { count: broken.length, shown: broken.slice(0, shownBroken) },
    exact: told('the same content, whatever the label', groupsByKey(rows, hashes)),
    near: told(nearRules[contents.kind], alike.filter(different)),
    notes: [
      ...dataset.notes,
      ...(places.length < length ? [`${places.length} rows, spread evenly over all, were read`] : []),
      ...(whole ? [] : ['there are too many similar images to compare all: near duplicates are a part']),
      ...labelHint(dataset),
    ],
  };
}

/** Looks at rows together, and one by one where one of them cannot be read. */
async function examineSome(
  dataset: OpenedDataset,
  examiner: Examiner,
  some: Uint32Array,
  found: Map<number, Examined & { readonly hash: string }>,
  broken: BrokenRow[],
): Promise<void> {
  const look = async (indices: Uint32Array) => {
    const hashes = await dataset.hashes(indices);
    const examined = await examiner.examine(indices);
    for (const [i, row] of indices.entries()) found.set(row, { ...examined[i], hash: hashes[i] });
  };
  try {
    // Images are looked at alone: a damaged one must not count its neighbours twice.
    if (some.length > 1 && dataset.contents.kind !== 'image') return await look(some);
  } catch (error) {
    whyBroken(error);
  }
  for (const row of some) {
    try {
      await look(Uint32Array.of(row));
    } catch (error) {
      broken.push({ row, where: dataset.describe(row), why: whyBroken(error) });
    }
  }
}

function spread(length: number, limit: number): Uint32Array {
  const count = Math.min(length, limit);
  const places = new Uint32Array(count);
  for (let i = 0; i < count; i++) places[i] = Math.floor((i * length) / count);
  return places;
}

function labelsOf({ labels, classes }: OpenedDataset): DatasetInspection['labels'] {
  if (!labels) return undefined;
  const numbers = toNumbers(labels);
  if (labels.type !== 'int64') {
    let [sum, least, most] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of numbers) [sum, least, most] = [sum + value, Math.min(least, value), Math.max(most, value)];
    return { kind: 'value', least, mean: sum / numbers.length, most };
  }
  const counts = new Map<number, number>((classes ?? []).map((_, i) => [i, 0]));
  for (const value of numbers) counts.set(value, (counts.get(value) ?? 0) + 1);
  const inOrder = [...counts].sort(([a], [b]) => a - b);
  return {
    kind: 'class',
    classes: inOrder.map(([value, count]) => ({ name: classes?.[value] ?? String(value), count })),
  };
}

const labelNames = /^(target|label|class|y|outcome|output|response)s?$/i;

function labelHint({ labels, contents, columns }: OpenedDataset): string[] {
  if (labels || contents.kind === 'image') return [];
  const likely = columns.find((name) => labelNames.test(name));
  return likely === undefined ? [] : [`column "${likely}" may hold the labels: name it to count them`];
}
