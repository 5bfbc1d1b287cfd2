import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operatorTable } from '../../../test/operator-table.ts';
import {
  type OperatorCase,
  type Outcome,
  operatorFamilies,
  readOperatorCases,
  runOperatorCases,
} from '../../../test/operators.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { operatorsWithRule } from './index.ts';

/**
 * Float32 rounds each operation to 6e-8; the largest cases add up some hundred terms, so 1e-5 of the largest gradient
 * is the room that rounding needs, and far below any wrong factor or index. On kinked operators a value near a kink
 * may lose more to cancellation.
 */
const gradientTolerance = { smooth: 1e-5, kinked: 1e-4, estimate: 1e-5 };
const forwardTolerance = 1e-5;
/** Second derivatives cancel once more. */
const productTolerance = 1e-4;

const runtime = createNodeRuntime({ threads: 1 });
const families = operatorFamilies().map((family) => ({
  family,
  cases: readOperatorCases(family),
}));
const outcomes = new Map<OperatorCase, Outcome>();
const page = new URL('../../../docs/operators.md', import.meta.url);

afterAll(async () => {
  await runtime.close();
  if (process.env.WHEREFORE_WRITE_DOCS) {
    writeFileSync(page, operatorTable(outcomes));
  }
});

describe.each(families)('$family', ({ cases }) => {
  beforeAll(async () => {
    const results = await runOperatorCases(runtime, cases);
    for (const item of cases) outcomes.set(item, results.get(item.name) as Outcome);
  }, 120_000);

  it.each(cases)('$name', (item) => {
    const { failure, forward, gradient, product } = outcomes.get(item) as Outcome;
    expect(failure).toBeUndefined();
    expect(Math.max(forward.none, forward.all), 'forward').toBeLessThanOrEqual(forwardTolerance);
    if (item.gradients.size) {
      expect(Math.max(gradient.none, gradient.all), 'gradient').toBeLessThanOrEqual(gradientTolerance[item.kind]);
    }
    if (item.products.size) {
      expect(Math.max(product.none, product.all), 'Hessian-vector product').toBeLessThanOrEqual(productTolerance);
    }
  });
});

describe('the table of rules', () => {
  it('has a case for every rule', () => {
    const tested = new Set(families.flatMap(({ cases }) => cases.map((item) => item.operator)));
    expect([...operatorsWithRule].filter((operator) => !tested.has(operator))).toEqual([]);
  });

  // The errors in the page depend on the machine, so only its rows are checked; WHEREFORE_WRITE_DOCS=1 writes it anew.
  it.skipIf(process.env.WHEREFORE_WRITE_DOCS)('is the one in docs/operators.md', () => {
    const rows = [...readFileSync(page, 'utf8').matchAll(/^\| `([^`]+)` \|/gm)].map(([, operator]) => operator);
    const tested = new Set(families.flatMap(({ cases }) => cases.map((item) => item.operator)));
    expect(rows.sort()).toEqual([...tested].sort());
  });
});
