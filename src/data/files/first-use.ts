import { createRequire } from 'node:module';
import { WhereforeError } from '../../errors.ts';

const load = createRequire(import.meta.url);

/**
 * Packages that functions need which give their result at once, loaded at their first use: who imports this package for
 * something else does not wait for them. What returns a promise writes `await import(…)` instead.
 */
export const firstUse = {
  csv: (): typeof import('csv-parse/sync') => load('csv-parse/sync'),
  parquetWriter,
} as const;

/** The one that is an ES module only, which the first releases of Node 22 load at once by a flag only. */
function parquetWriter(): typeof import('hyparquet-writer') {
  try {
    return load('hyparquet-writer');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ESM') throw cause;
    throw new WhereforeError('invalid-argument', 'this Node does not load ES modules at once', {
      got: process.version,
      expected: '20.19 or later, 22.12 or later',
      fix: 'install a newer Node, or give it the flag --experimental-require-module',
      cause,
    });
  }
}
