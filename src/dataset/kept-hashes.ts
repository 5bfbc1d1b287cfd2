import type { Dataset } from './dataset.ts';

/** A data set whose hashes are computed once for each row: for work that asks for those of all rows several times. */
export function withKeptHashes<D extends Dataset>(data: D): D {
  const known: string[] = [];
  return {
    ...data,
    async hashes(indices) {
      const missing = Array.from(indices).filter((row) => known[row] === undefined);
      const found = missing.length > 0 ? await data.hashes(missing) : [];
      for (const [k, row] of missing.entries()) known[row] = found[k];
      return Array.from(indices, (row) => known[row]);
    },
  };
}
