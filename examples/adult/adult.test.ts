import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadModel } from '../../src/data/index.ts';
import { explain } from '../../src/explain/explain.ts';
import { featuresOf } from '../../src/page/features.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { sharedData } from '../../test/shared-data.ts';
import { makeAdult } from './make.ts';

const data = sharedData('adult/adult.data');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-adult-'));
});
afterAll(() => rm(folder, { recursive: true }));

it.skipIf(!data)('trains on Adult and explains a person column by column', { timeout: 120_000 }, async () => {
  const runtime = createNodeRuntime({ threads: 1 });
  const { accuracy } = await makeAdult({ data: data as string, out: folder, runtime, rows: 4000, epochs: 4 });
  // 76 % of the people earn at most $50,000: guessing that would give .76.
  expect(accuracy).toBeGreaterThan(0.8);
  const model = await loadModel(join(folder, 'adult.onnx'), { runtime });
  const [explained] = await explain(model, join(folder, 'adult.csv#3'));
  const { document } = explained;
  expect(document.targetDescription).toMatch(/^probability of class \d "(at most|above) \$50,000"/);
  expect(document.baselineDescription).toBe('the average over 64 rows of adult.csv');
  expect(document.relativeError).toBeLessThan(0.01);
  const { shares } = featuresOf(explained);
  expect(shares.map(({ name }) => name)).toEqual([
    'Age',
    'Employer',
    'Education',
    'Marital status',
    'Occupation',
    'Place in the family',
    'Race',
    'Sex',
    'Capital gains',
    'Capital losses',
    'Work a week',
    'Born in',
  ]);
  expect(shares[0].text).toMatch(/^\d+ years$/);
  expect(shares[0].baseline).toMatch(/^median [\d.]+ years$/);
  expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(document.sum, 5);
  await model.close();
  await runtime.close();
});
