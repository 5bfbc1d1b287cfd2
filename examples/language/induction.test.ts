import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { openLanguageModel } from '../../src/language/model/language-model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { meanOf } from '../../src/tensor/correlation.ts';
import { trainedInduction } from '../../test/language/trained-induction.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

it('heads that look back or behind equal words cost all when they are ablated together, all others nothing', {
  timeout: 120_000,
}, async () => {
  const language = await openLanguageModel(fileURLToPath(new URL('models/induction', import.meta.url)), { runtime });
  const { found, ...shares } = await trainedInduction(language, 24);
  const [whole, withoutFound, withoutOthers] = [shares.whole, shares.withoutFound, shares.withoutOthers].map(meanOf);
  expect(whole).toBeGreaterThan(0.9);
  expect(found.length).toBeGreaterThan(1);
  expect(whole - withoutFound).toBeGreaterThanOrEqual(0.9);
  expect(whole - withoutOthers).toBeLessThan(0.02);
  await language.close();
});
