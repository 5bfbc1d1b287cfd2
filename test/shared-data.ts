import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Path of a file of the real data that lies beside the repository (`../shared/data`), or undefined where it is
 * absent. Tests that need it skip: `it.skipIf(!path)`.
 */
export function sharedData(relative: string): string | undefined {
  const path = fileURLToPath(new URL(`../../shared/data/${relative}`, import.meta.url));
  if (existsSync(path)) return path;
  console.warn(`skipped: ${relative} is not beside the repository (../shared/data)`);
  return undefined;
}
