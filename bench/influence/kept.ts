// Trainings of a bench, kept in a folder, so that a bench that was stopped goes on.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../src/tensor/content-hash.ts';

/** Numbers by what they are of: computed the first time, read from then on. */
export type Kept = (of: readonly unknown[], compute: () => Promise<Float64Array>) => Promise<Float64Array>;

/** Keeps numbers below a folder. What they are of names everything that they depend on but the code: remove the folder where that changed. */
export function keptIn(folder: string): Kept {
  mkdirSync(folder, { recursive: true });
  return async (of, compute) => {
    const path = join(folder, `${contentHash([JSON.stringify(of)]).slice(0, 20)}.f64`);
    if (existsSync(path)) {
      const { buffer, byteOffset, byteLength } = Uint8Array.from(readFileSync(path));
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    }
    const values = await compute();
    writeFileSync(`${path}.part`, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    renameSync(`${path}.part`, path);
    return values;
  };
}
