import { defineConfig } from 'vitest/config';

/** Variables that a mode sets: `full` runs the slow cases too, `docs` writes the generated pages of docs/. */
const environments: Readonly<Record<string, Record<string, string>>> = {
  full: { WHEREFORE_FULL: '1' },
  docs: { WHEREFORE_WRITE_DOCS: '1' },
};

export default defineConfig(({ mode }) => ({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    env: environments[mode] ?? {},
    // Processes, not threads: a native library that is loaded in two threads of one process shares their fate.
    pool: 'forks',
    // Two, because each runtime under test starts threads of its own.
    maxWorkers: 2,
    // Opening a large model's sessions takes seconds on a busy machine; no test measures time.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
}));
