import { configDefaults, defineConfig } from 'vitest/config';

/** Variables that a mode sets: `full` runs the slow cases too, `docs` writes the generated pages of docs/. */
const environments: Readonly<Record<string, Record<string, string>>> = {
  full: { WHEREFORE_FULL: '1' },
  docs: { WHEREFORE_WRITE_DOCS: '1' },
};

/**
 * Folders whose tests share nothing but what they import: their files run in the same processes, so that modules are
 * loaded once, which takes a quarter of their time. Elsewhere each file has a process of its own: commands, runtimes that
 * end, tests that close what others made.
 */
const sharing = [
  ...['attribution', 'autodiff', 'data', 'dataset', 'influence', 'language', 'linear-algebra', 'onnx'],
  ...['page', 'provenance', 'report', 'tensor', 'train', 'cli', 'explain', 'evaluation', 'explainer', 'web'],
]
  .map((folder) => `src/${folder}/**/*.test.ts`)
  .concat('examples/**/*.test.ts', 'test/browser/*.test.ts');

const everything = ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'];

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
      { extends: true, test: { name: 'apart', include: everything, exclude: [...configDefaults.exclude, ...sharing] } },
      { extends: true, test: { name: 'sharing', include: sharing, isolate: false } },
    ],
  },
}));
