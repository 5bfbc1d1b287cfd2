import { configDefaults, defineConfig } from 'vitest/config';

/** Variables that a mode sets: `full` runs the slow cases too, `docs` writes the generated pages of docs/. */
const environments: Readonly<Record<string, Record<string, string>>> = {
  full: { WHEREFORE_FULL: '1' },
  docs: { WHEREFORE_WRITE_DOCS: '1' },
};

/**
 * Files that have a process of their own: they end processes, count them, or change the environment; one counts what V8
 * does in every module that is loaded; and those of no folder, which read the whole repository.
 */
const apart = [
  'src/explain/growth.test.ts',
  ...['processes', 'storage'].map((name) => `src/run/${name}.test.ts`),
  ...['conformance', 'eigen-thread', 'isolation', 'streams'].map((name) => `src/runtime/${name}.test.ts`),
  ...['src/*.test.ts', 'test/*.test.ts'],
];

/**
 * All others run in the same processes, so that modules are loaded once, which takes a quarter of their time: a test
 * there leaves nothing open that others use.
 */
const sharing = ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'];

export default defineConfig(({ mode }) => ({
  test: {
    env: environments[mode] ?? {},
    // Processes, not threads: a native library that is loaded in two threads of one process shares their fate.
    pool: 'forks',
    // One more than two processors: some tests wait for processes and servers. Each runtime has threads of its own.
    maxWorkers: 3,
    // Opening a large model's sessions takes seconds on a busy machine; no test measures time.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'apart', include: apart } },
      {
        extends: true,
        test: { name: 'sharing', include: sharing, exclude: [...configDefaults.exclude, ...apart], isolate: false },
      },
    ],
  },
}));
