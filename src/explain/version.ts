import { createRequire } from 'node:module';

/** Version of this package, from its package.json. */
export const packageVersion: string = createRequire(import.meta.url)('../../package.json').version;
