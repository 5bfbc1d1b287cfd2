import { WhereforeError } from '../../../errors.ts';
import { toNumbers } from '../../../tensor/convert.ts';
import { formatShape, rows, type Tensor } from '../../../tensor/tensor.ts';
import { hashOfFile } from '../../files/file-hash.ts';
import type { Contents } from '../contents.ts';
import { ColumnStatistics, type ColumnSummary } from './column-statistics.ts';
import { normalisedText, roundedNumber, roundedRow } from './near-keys.ts';
import { type ImageSketch, sketchOf } from './perceptual-hash.ts';

/** Looks at rows as they are before they become inputs, one after the other. */
export interface Examiner {
  /**
   * What near duplicates of a row share, and what they are compared by, for each row.
   * @throws WhereforeError where a row cannot be read
   */
  examine(indices: Uint32Array): Promise<readonly Examined[]>;
  columns(): readonly ColumnSummary[];
}

export interface Examined {
  readonly key?: string;
  readonly sketch?: ImageSketch;
}

/** The examiner of each kind of contents. */
export function examinerOf(contents: Contents): Examiner {
  return (examiners[contents.kind] as (contents: Contents) => Examiner)(contents);
}

const examiners: {
  readonly [Kind in Contents['kind']]: (contents: Extract<Contents, { readonly kind: Kind }>) => Examiner;
} = {
  image({ images }) {
    const sizes = new Counts();
    return {
      examine: async (indices) =>
        (await images.read(indices)).map((pixels) => {
          sizes.add(formatShape(pixels.shape.slice(0, 2)));
          return { sketch: sketchOf(pixels) };
        }),
      columns: () => [{ name: 'image', type: `uint8 ${sizes.text()}`, missing: 0, distinct: sizes.size }],
    };
  },
  text({ texts }) {
    const lengths = new NumberRange();
    let empty = 0;
    return {
      examine: async (indices) =>
        (await texts(indices)).map((text) => {
          lengths.add(text.length);
          if (text.trim() === '') empty++;
          return { key: hashOfFile([normalisedText(text)]) };
        }),
      columns: () => [{ name: 'text', type: 'text, length in letters', missing: empty, range: lengths.range() }],
    };
  },
  table({ table, features }) {
    const names = table.columns.map(({ name }) => name);
    const statistics = table.columns.map((info) => new ColumnStatistics(info));
    const isFeature = new Set(features);
    return {
      examine: async (indices) => {
        const { columns } = await table.read(names, indices);
        for (const [c, column] of columns.entries()) statistics[c].add(column);
        const compared = columns.filter(({ name }) => isFeature.has(name));
        return Array.from(indices, (_, i) => ({ key: hashOfFile([roundedRow(compared, i)]) }));
      },
      columns: () => statistics.map((one) => one.summary()),
    };
  },
  tensor({ arrays }) {
    const facts = [...arrays].map(([name, array]) => ({ name, array, range: new NumberRange(), missing: 0 }));
    return {
      examine: async (indices) => {
        const keys = new Array<string>(indices.length).fill('');
        for (const one of facts) {
          const found = await one.array.read(indices);
          for (let i = 0; i < indices.length; i++) keys[i] += arrayKey(rows(found, i, i + 1), one);
        }
        return keys.map((key) => ({ key }));
      },
      columns: () =>
        facts.map(({ name, array: { type, shape }, missing, range }) => ({
          name,
          type: `${type} ${formatShape(shape.slice(1))}`,
          missing,
          range: range.range(),
        })),
    };
  },
};

/** The rounded values of one row of an array, hashed; adds them to what is known of the array. */
function arrayKey(row: Tensor, facts: { range: NumberRange; missing: number }): string {
  if (row.type === 'string') return hashOfFile((row.data as string[]).map((text) => `${normalisedText(text)}\u0000`));
  let text = '';
  for (const value of toNumbers(row)) {
    if (Number.isNaN(value)) facts.missing++;
    else facts.range.add(value);
    text += `${roundedNumber(value)} `;
  }
  return hashOfFile([text]);
}

class NumberRange {
  #count = 0;
  #sum = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.#count++;
    this.#sum += value;
    this.#least = Math.min(this.#least, value);
    this.#most = Math.max(this.#most, value);
  }

  range(): ColumnSummary['range'] {
    return this.#count === 0 ? undefined : { least: this.#least, mean: this.#sum / this.#count, most: this.#most };
  }
}

const shownSizes = 3;

class Counts {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  add(value: string): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  text(): string {
    const found = [...this.#counts].sort(([, a], [, b]) => b - a);
    const told = found.slice(0, shownSizes).map(([value, count]) => (found.length > 1 ? `${value} (${count})` : value));
    return `${told.join(', ')}${found.length > shownSizes ? `, … (${found.length} sizes)` : ''}`;
  }
}

/** Why a row cannot be read. @throws what is no mistake in the data */
export function whyBroken(error: unknown): string {
  if (!(error instanceof WhereforeError)) throw error;
  return error.details.got === undefined ? error.what : `${error.what} (${error.details.got})`;
}
