import { zeros } from '../matrix.ts';
import type { Runner } from '../method.ts';

export interface Bm25Parameters {
  /** Saturation of a repeated word. */
  readonly k1: number;
  /** How much long texts are discounted, 0 to 1. */
  readonly b: number;
}

/** Runs of letters and digits, in lower case. */
export const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** `Σ_{w ∈ query} idf(w) · c(w)(k₁ + 1)/(c(w) + k₁(1 − b + b·|d|/mean|d|))`, `idf = log(1 + (N − n_w + ½)/(n_w + ½))`. */
export const bm25: Runner<'texts', Bm25Parameters> = {
  score({ texts }, { k1, b }) {
    const n = texts.rows.length;
    const lengths = new Float64Array(n);
    const postings = new Map<string, Map<number, number>>();
    for (const [i, text] of texts.rows.entries()) {
      const words = wordsOf(text);
      lengths[i] = words.length;
      for (const word of words) {
        const rows = postings.get(word) ?? new Map<number, number>();
        rows.set(i, (rows.get(i) ?? 0) + 1);
        postings.set(word, rows);
      }
    }
    const mean = lengths.reduce((sum, length) => sum + length, 0) / n;
    const values = zeros(texts.queries.length, n);
    for (const [q, text] of texts.queries.entries()) {
      for (const word of wordsOf(text)) {
        const rows = postings.get(word);
        if (!rows) continue;
        const idf = Math.log(1 + (n - rows.size + 0.5) / (rows.size + 0.5));
        for (const [i, count] of rows) {
          const scale = k1 * (1 - b + (b * lengths[i]) / mean);
          values.data[q * n + i] += (idf * count * (k1 + 1)) / (count + scale);
        }
      }
    }
    return { values, notes: [] };
  },
};
