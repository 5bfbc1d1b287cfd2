import type { Dataset } from '../../dataset/dataset.ts';
import { subset } from '../../dataset/select.ts';
import { classNumbers, withLabels } from '../../influence/decided-dataset.ts';
import type { GroupInfluence } from '../../influence/groups.ts';
import type { InfluenceList } from '../../influence/influence-document.ts';
import { type Matrix, rowOf } from '../../influence/matrix.ts';
import type { ProposedChange } from '../../influence/what-if.ts';
import type { ScoredQueries } from './influence-scores.ts';

/** Rows of each list that a change is proposed for, groups, and rows that could be added. */
const most = { rows: 5, groups: 8, added: 5 } as const;

export interface ProposedOptions {
  readonly data: Dataset;
  readonly scored: ScoredQueries;
  /** Scores of the query for every row: those of the lists. */
  readonly values: ArrayLike<number>;
  readonly lists: InfluenceList;
  readonly groups: readonly GroupInfluence[];
  /** Labelled rows that are in no training yet. */
  readonly added?: Dataset;
}

/**
 * Changes that the scores of a query suggest: opponents left out or relabelled, proponents counted twice, groups left
 * out, new rows added. Empty where scores of rows may not be added up or are of another unit than a change of f.
 */
export async function proposedChanges(options: ProposedOptions): Promise<ProposedChange[]> {
  const { scored, values, lists, groups } = options;
  if (!scored.method.additive) return [];
  const together = (list: InfluenceList['opponents'], what: string): ProposedChange[] =>
    list.length < 2
      ? []
      : [
          {
            action: 'remove',
            words: `leave out the first ${list.length} ${what}`,
            rows: list.length,
            ids: list.map(({ id }) => id),
            predicted: -list.reduce((sum, { row }) => sum + values[row], 0),
          },
        ];
  return [
    ...together(lists.opponents, 'opponents'),
    ...together(lists.proponents, 'proponents'),
    ...lists.opponents.slice(0, most.rows).map(({ row, id, from }) => ({
      ...{ action: 'remove' as const, words: `leave out ${from}`, rows: 1, ids: [id] },
      predicted: -values[row],
    })),
    ...(await relabelled(options)),
    ...lists.proponents.slice(0, most.rows).map(({ row, id, from }) => ({
      ...{ action: 'reweight' as const, words: `count ${from} twice`, rows: 1, ids: [id] },
      predicted: values[row],
    })),
    ...groups.slice(0, most.groups).map(({ column, value, rows, score, newton = score }) => ({
      ...{ action: 'remove' as const, words: `leave out ${column} ${value === '' ? 'missing' : value}`, rows },
      predicted: -newton,
    })),
    ...(await addedRows(options)),
  ];
}

/** Whether other rows, or rows with other labels, can be scored as well. */
const scoresOthers = ({ scores, candidates }: ScoredQueries) =>
  scores.directions !== undefined && candidates !== undefined;

/** `τ(z) = Σ_k u_k · ∇ℓ(z; θ_k)` of the first query for other rows. */
async function scoresOfOthers({ scores, candidates }: ScoredQueries, rows: Dataset): Promise<Float64Array> {
  const total = new Float64Array(rows.length);
  const materials = (await candidates?.(rows)) ?? [];
  for (const [k, material] of materials.entries()) {
    const all = (scores.directions ?? [])[k];
    const first: Matrix = { rows: 1, columns: all.columns, data: rowOf(all, 0) };
    const { data } = await material.dot(first);
    for (let i = 0; i < total.length; i++) total[i] += data[i];
  }
  return total;
}

/** The first opponents with the class that the model finds most probable beside the given one: `τ(x, y′) − τ(x, y)`. */
async function relabelled({ data, scored, lists }: ProposedOptions): Promise<ProposedChange[]> {
  const { context, classes, labels } = scored;
  const own = lists.opponents.slice(0, most.rows);
  const probabilities = context.predictions?.rows;
  if (own.length === 0 || !scoresOthers(scored) || !probabilities) return [];
  const others = own.map(({ row }) => nextClass(rowOf(probabilities, row), labels[row]));
  const at = own.map(({ row }) => row);
  const rows = subset(data, [...at, ...at]);
  const given = at.map((row) => labels[row]);
  const found = await scoresOfOthers(scored, withLabels(rows, Int32Array.from([...given, ...others])));
  return own.map(({ id, from }, i) => ({
    action: 'relabel',
    words: `relabel ${from}: ${classes[given[i]]} → ${classes[others[i]]}`,
    rows: 1,
    ids: [id],
    label: classes[others[i]],
    predicted: found[own.length + i] - found[i],
  }));
}

function nextClass(probabilities: ArrayLike<number>, label: number): number {
  let best = label === 0 ? 1 : 0;
  for (let k = 0; k < probabilities.length; k++) if (k !== label && probabilities[k] > probabilities[best]) best = k;
  return best;
}

/** The new rows that raise f most. */
async function addedRows({ scored, added }: ProposedOptions): Promise<ProposedChange[]> {
  if (!added || !scoresOthers(scored)) return [];
  const found = await scoresOfOthers(scored, added);
  const order = Array.from(found.keys()).sort((a, b) => found[b] - found[a] || a - b);
  const first = order.slice(0, most.added);
  const ids = await added.ids(first);
  const labels = added.labels ? classNumbers(added.labels) : undefined;
  return first.map((row, i) => ({
    action: 'add',
    words: `add ${added.describe(row)}${labels ? ` as ${scored.classes[labels[row]]}` : ''}`,
    rows: 1,
    ids: [ids[i]],
    predicted: found[row],
  }));
}

/** What was not proposed, and why. */
export function proposalNotes({ scored, added }: Pick<ProposedOptions, 'scored' | 'added'>, models: number): string[] {
  if (!scored.method.additive)
    return [`no changes are proposed: scores by ${scored.name} of several rows may not be added up`];
  if (scoresOthers(scored))
    return models > 1
      ? ['relabelling and added rows were scored by this model alone, other changes by all models']
      : [];
  const what = added ? 'relabelling and added rows are not scored' : 'relabelling is not scored';
  return [`${what}: ${scored.name} scores no rows but those of the training`];
}
