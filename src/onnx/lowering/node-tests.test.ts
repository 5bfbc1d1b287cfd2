import { afterAll, describe, expect, it } from 'vitest';
import { decodeValues, type NodeTest, readNodeTests } from '../../../test/onnx-node-tests/cases.ts';
import { Runner } from '../../../test/onnx-node-tests/runner.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { toNumbers } from '../../tensor/convert.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { decodeModel } from '../decode.ts';
import { encodeModel } from '../encode.ts';
import { lower } from './index.ts';

const archive = sharedData('onnx-node-tests.tar.gz');
const all = Boolean(process.env.WHEREFORE_FULL);

/** A sample spread over the operators: every sixth test of the list sorted by name; all of them with WHEREFORE_FULL. */
const everyNth = 6;

const runner = new Runner();
afterAll(() => runner.close());

const plain = (value: unknown) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}` : v));

/** Why a lowered model does not do what the original does, if so; `not run` when the runtime lacks the original. */
async function check({ model: bytes, inputs, outputs }: NodeTest): Promise<string | undefined> {
  const model = decodeModel(bytes);
  if ((model.opsets.get('') ?? 7) < 7) return 'not run';
  const lowered = lower(model);
  if (plain(lowered.model.graph.nodes) === plain(model.graph.nodes)) return 'unchanged';
  const feeds = decodeValues(inputs, model.graph.inputs);
  const job = { runs: 1, ...(feeds ? { feeds: [...feeds] } : {}) };
  const before = await runner.run({ ...job, model: bytes });
  const after = await runner.run({ ...job, model: encodeModel(lowered.model) });
  if (!after.results) return before.results ? `the lowered model fails: ${after.error}` : 'not run';
  const expected = before.results ? new Map(before.results[0]) : decodeValues(outputs, model.graph.outputs);
  if (!expected) return 'not run';
  for (const [name, actual] of after.results[0] ?? []) {
    const wanted = expected.get(name);
    const difference = wanted && differenceOf(actual, wanted);
    if (difference)
      return `output "${name}" ${difference}${before.results ? '' : ' (against the suite, the runtime lacks the original)'}`;
  }
  return undefined;
}

function differenceOf(a: Tensor, b: Tensor): string | undefined {
  if (a.type !== b.type || a.shape.join() !== b.shape.join())
    return `is ${a.type} ${a.shape}, not ${b.type} ${b.shape}`;
  if (a.type === 'string') return JSON.stringify(a.data) === JSON.stringify(b.data) ? undefined : 'differs';
  // float16 graphs round after every one of the nodes that took the place of one.
  const tolerance = a.type === 'float16' ? 5e-3 : 1e-5;
  const [x, y] = [toNumbers(a), toNumbers(b)];
  const index = x.findIndex(
    (value, i) => !Object.is(value, y[i]) && !(Math.abs(value - y[i]) <= tolerance * (1 + Math.abs(y[i]))),
  );
  return index < 0 ? undefined : `is ${x[index]}, not ${y[index]}, at ${index}`;
}

describe('ONNX operator tests', () => {
  /** Written for opset 8, whose Scan has no equal in newer ones. */
  const refused = new Set(['test_scan_sum']);
  const random = /bernoulli|randomnormal|randomuniform|multinomial|training_dropout|dropout.*train/;
  it.skipIf(!archive)(
    'compute the same after lowering',
    async () => {
      const tests = readNodeTests(archive as string).filter(({ name }) => !random.test(name) && !refused.has(name));
      const counts = { unchanged: 0, 'not run': 0, compared: 0 };
      const problems: string[] = [];
      const sample = tests.filter((_, i) => all || i % everyNth === 0);
      for (const test of sample) {
        const outcome = await check(test);
        if (outcome === 'unchanged' || outcome === 'not run') counts[outcome]++;
        else {
          counts.compared++;
          if (outcome) problems.push(`${test.name}: ${outcome}`);
        }
      }
      if (all) console.info(`lowering: ${JSON.stringify(counts)} of ${sample.length}`);
      expect(problems).toEqual([]);
      expect(counts.compared).toBeGreaterThan(40);
    },
    300_000,
  );
});
