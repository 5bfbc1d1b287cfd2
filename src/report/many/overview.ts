import type { ResultRow } from './result-row.ts';

/** What the rows of a run say together. */
export interface Overview {
  readonly inputs: number;
  readonly explanations: number;
  readonly failed: number;
  /** By what the model said first: how many inputs, and their median relative error; the most frequent first. */
  readonly classes: readonly { readonly name: string; readonly inputs: number; readonly error: number | undefined }[];
  readonly grades: Readonly<Record<'good' | 'poor' | 'open', number>>;
  /** Quantiles .5, .9 and 1 of the relative attribution error; undefined where nothing has one. */
  readonly errors: readonly [number, number, number] | undefined;
  readonly notConverged: number;
}

export function overviewOf(rows: readonly ResultRow[]): Overview {
  const inputs = new Set<number>();
  const failed = new Set<number>();
  const byClass = new Map<string, { readonly items: Set<number>; readonly errors: number[] }>();
  const grades = { good: 0, poor: 0, open: 0 };
  const errors: number[] = [];
  let notConverged = 0;
  for (const row of rows) {
    inputs.add(row.item);
    if (row.failure !== undefined) {
      failed.add(row.item);
      continue;
    }
    grades[row.grade as keyof typeof grades]++;
    if (row.converged === false) notConverged++;
    const name = String(row.predicted ?? 'nothing');
    const entry = byClass.get(name) ?? { items: new Set(), errors: [] };
    byClass.set(name, entry);
    entry.items.add(row.item);
    if (typeof row.relativeError !== 'number') continue;
    entry.errors.push(row.relativeError);
    errors.push(row.relativeError);
  }
  const classes = [...byClass].map(([name, one]) => ({
    name,
    inputs: one.items.size,
    error: quantile(one.errors, 0.5),
  }));
  classes.sort((a, b) => b.inputs - a.inputs || (a.name < b.name ? -1 : 1));
  return {
    inputs: inputs.size,
    explanations: rows.filter(({ failure }) => failure === undefined).length,
    failed: failed.size,
    classes,
    grades,
    errors: errors.length
      ? [quantile(errors, 0.5) ?? 0, quantile(errors, 0.9) ?? 0, quantile(errors, 1) ?? 0]
      : undefined,
    notConverged,
  };
}

/** The smallest value that at least a share `q` of all do not exceed. */
function quantile(values: readonly number[], q: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}
