import type { Column } from '../../formats/table.ts';
import type { ColumnInfo } from '../table-rows.ts';

/** What a column holds. */
export interface ColumnSummary {
  readonly name: string;
  readonly type: string;
  /** Why it is taken for that. */
  readonly reason?: string;
  readonly missing: number;
  /** Different values; counted up to {@link mostCounted}, undefined beyond. */
  readonly distinct?: number;
  /** Of numbers. */
  readonly range?: { readonly least: number; readonly mean: number; readonly most: number };
  /** The commonest values of categories, and how often each. */
  readonly common?: readonly { readonly value: string; readonly count: number }[];
}

const mostCounted = 10_000;
const shownValues = 5;

/** Adds up what a column holds, a few rows at a time. */
export class ColumnStatistics {
  readonly #info: ColumnInfo;
  readonly #counts = new Map<string | number, number>();
  #missing = 0;
  #numbers = 0;
  #sum = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;
  #isCounted = true;

  constructor(info: ColumnInfo) {
    this.#info = info;
  }

  add({ values }: Column): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value === undefined || Number.isNaN(value)) {
        this.#missing++;
        continue;
      }
      if (typeof value === 'number') this.#addNumber(value);
      if (this.#isCounted) this.#count(value);
    }
  }

  #addNumber(value: number): void {
    this.#numbers++;
    this.#sum += value;
    this.#least = Math.min(this.#least, value);
    this.#most = Math.max(this.#most, value);
  }

  #count(value: string | number): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    if (this.#counts.size <= mostCounted) return;
    this.#isCounted = false;
    this.#counts.clear();
  }

  summary(): ColumnSummary {
    const { name, kind, reason } = this.#info;
    const counted = [...this.#counts].sort(([, a], [, b]) => b - a).slice(0, shownValues);
    return {
      name,
      type: kind,
      reason,
      missing: this.#missing,
      distinct: this.#isCounted ? this.#counts.size : undefined,
      ...(this.#numbers > 0 && {
        range: { least: this.#least, mean: this.#sum / this.#numbers, most: this.#most },
      }),
      ...(kind === 'category' && { common: counted.map(([value, count]) => ({ value: String(value), count })) }),
    };
  }
}
