import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type MutationResult, metricPage } from '../../../test/metric-table.ts';

const page = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url));
const benchmark = fileURLToPath(new URL('../../../bench/results-metrics.md', import.meta.url));
const result = fileURLToPath(new URL('../../../scripts/mutate-metrics.result.json', import.meta.url));

describe('docs/metrics.md', () => {
  it('is what the table in code says', () => {
    const mutation = JSON.parse(readFileSync(result, 'utf8')) as MutationResult;
    const written = metricPage(mutation, readFileSync(benchmark, 'utf8'));
    if (process.env.WHEREFORE_WRITE_DOCS) writeFileSync(page, written);
    expect(readFileSync(page, 'utf8')).toBe(written);
  });

  it('reports at least 95 % of mutants noticed', () => {
    const { killed, total, mutants } = JSON.parse(readFileSync(result, 'utf8')) as MutationResult;
    expect(total).toBeGreaterThanOrEqual(40);
    expect(Object.values(mutants).filter(Boolean)).toHaveLength(killed);
    expect(killed / total).toBeGreaterThanOrEqual(0.95);
  });
});
