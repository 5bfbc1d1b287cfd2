// A vitest that stays: starting one and transforming all sources anew costs more than most tests.
import { join, relative } from 'node:path';
import { createVitest } from 'vitest/node';

const [folder] = process.argv.slice(2);
process.chdir(folder);
const vitest = await createVitest('test', { root: folder, watch: true, reporters: [{}], bail: 1 });
const [project] = vitest.projects;

process.on('message', async (/** @type {{ tests: string[], changed: string }} */ { tests, changed }) => {
  vitest.invalidateFile(join(folder, changed));
  const specifications = tests.map((test) => project.createSpecification(join(folder, test)));
  const { testModules, unhandledErrors } = await vitest.rerunTestSpecifications(specifications);
  const failed = testModules.filter((module) => !module.ok()).map(({ moduleId }) => relative(folder, moduleId));
  process.send?.({ failed: failed.length || !unhandledErrors.length ? failed : tests });
});
process.send?.('ready');
