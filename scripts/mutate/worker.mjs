// A vitest that stays: starting one and transforming all sources anew costs more than most tests.
import { join, relative } from 'node:path';
import { createVitest } from 'vitest/node';

const [folder] = process.argv.slice(2);
process.chdir(folder);
const vitest = await createVitest('test', { root: folder, watch: true, reporters: [{}], bail: 1 });
const [project] = vitest.projects;

/** Whether a test failed by what it found, and not by a limit of time. @param {import('vitest/node').TestCase} test */
const expectsOtherwise = (test) => test.result().errors?.some(({ name }) => name === 'AssertionError') ?? false;

process.on('message', async (/** @type {{ tests: string[], changed: string }} */ { tests, changed }) => {
  vitest.invalidateFile(join(folder, changed));
  const specifications = tests.map((test) => project.createSpecification(join(folder, test)));
  // What earlier runs found stays among the modules of a run, and so do tests that were not reached this time.
  const asked = new Set(specifications.map(({ moduleId }) => moduleId));
  vitest.state.clearFiles(project, [...asked]);
  const { testModules, unhandledErrors } = await vitest.rerunTestSpecifications(specifications);
  const nameOf = (/** @type {{ moduleId: string }} */ module) => relative(folder, module.moduleId);
  const failed = testModules.filter((module) => asked.has(module.moduleId) && !module.ok());
  const wrong = failed.filter((module) => [...module.children.allTests('failed')].some(expectsOtherwise));
  process.send?.({
    failed: failed.length || !unhandledErrors.length ? failed.map(nameOf) : tests,
    wrong: wrong.map(nameOf),
  });
});
process.send?.('ready');
