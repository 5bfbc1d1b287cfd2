import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { clusters, withRows } from '../../test/influence/softmax-regression.ts';
import { checkpointFiles } from '../data/formats/checkpoint-files.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { writeSafetensors } from '../data/formats/safetensors.ts';
import { datasetOf } from '../dataset/in-memory.ts';
import type { InfluenceDocument } from '../influence/influence-document.ts';
import { rowOf } from '../influence/matrix.ts';
import { encodeModel } from '../onnx/encode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { linear, Network, readParameters, train, trainableParameters } from '../train/index.ts';

const runtime = createNodeRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'checkpoints-'));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string) => join(folder, name);

// Row 40 is a copy of the query, row 41 one with another label.
const query = clusters(1, 4, 3, 9, 0.6);
const data = withRows(clusters(40, 4, 3, 5, 0.6), [rowOf(query.x, 0), rowOf(query.x, 0)], [0, 1]);

beforeAll(async () => {
  const network = new Network({ seed: 1 });
  const x = network.input('x', 'float32', ['N', 4]);
  const model = network.build([linear(network, x, 'logits', { features: 3 })]);
  const rows = float32([42, 4], Float32Array.from(data.x.data));
  const trained = await train({
    model,
    samples: datasetOf({ x: rows }, { labels: int64([42], data.y) }),
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'sgd' },
    schedule: { kind: 'step', learningRate: 0.5, every: 20 },
    epochs: 40,
    batchSize: 42,
    seed: 1,
    checkpoints: checkpointFiles(at('run')),
    checkpointEvery: { fractions: [0.25, 0.5] },
    runtime,
  });
  writeFileSync(at('model.onnx'), encodeModel(trained.model));
  writeFileSync(at('early.onnx'), encodeModel(model));
  writeFileSync(at('early.safetensors'), writeSafetensors(readParameters(model, trainableParameters(model))));
  writeFileSync(
    at('other.safetensors'),
    writeSafetensors(new Map([['logits.weight', float32([5, 3], new Float32Array(15))]])),
  );
  mkdirSync(at('empty'));
  writeFileSync(at('rows.npy'), writeNpy(rows));
  writeFileSync(at('labels.npy'), writeNpy(int64([42], data.y)));
  writeFileSync(at('query.npy'), writeNpy(float32([1, 4], Float32Array.from(query.x.data))));
});

const run = (out: string, ...words: string[]) =>
  wherefore(
    ...['influence', '0', '--from', at('query.npy'), '--class', '0', '--model', at('model.onnx'), '--out', at(out)],
    ...['--data', at('rows.npy'), '--labels', at('labels.npy'), ...words],
  );

async function scored(out: string, ...words: string[]): Promise<InfluenceDocument> {
  const { code, errors } = await run(out, ...words);
  expect(errors).not.toMatch(/error:/);
  expect(code).toBe(0);
  const [made] = readdirSync(at(out));
  return JSON.parse(readFileSync(join(at(out), made, 'influence.json'), 'utf8')) as InfluenceDocument;
}

describe('checkpoints', () => {
  it('of a training are summed over with its learning rates', async () => {
    const found = await scored('trained', '--checkpoints', at('run'));
    expect(found.method.name).toBe('tracin-cp');
    expect(found.all.opponents[0].row).toBe(41);
    // Σ_k η_k ‖∇‖² of a copy: the sum of three one-checkpoint sums with the rates .5, .5 and .05.
    const steps = readdirSync(at('run')).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    expect(steps).toEqual(['step-10.safetensors', 'step-20.safetensors', 'step-40.safetensors']);
    let sum = 0;
    for (const [k, step] of steps.entries()) {
      const one = await scored(`one-${k}`, '--checkpoints', join(at('run'), step), '--rows', '42');
      sum += one.all.proponents.find(({ row }) => row === 40)?.score ?? Number.NaN;
    }
    const copy = (await scored('all', '--checkpoints', at('run'), '--rows', '42')).all.proponents;
    expect(copy.find(({ row }) => row === 40)?.score).toBeCloseTo(sum, 6);
  });

  it('may be models or weights of any training, and need times for source alone', async () => {
    const files = `${at('early.safetensors')},${at('model.onnx')}`;
    const weights = await scored('weights', '--checkpoints', files);
    const models = await scored('models', '--checkpoints', `${at('early.onnx')},${at('model.onnx')}`);
    expect(weights.all).toEqual(models.all);
    const source = await scored('source', '--checkpoints', at('run'), '--method', 'source');
    expect(source.all.opponents[0].row).toBe(41);
    const { errors } = await run('untimed', '--checkpoints', files, '--method', 'source');
    expect(errors).toMatch(/--steps and --learning-rates/);
  });

  it.each<[string, string[], RegExp]>([
    [
      'of another architecture',
      ['--checkpoints', at('other.safetensors')],
      /other.safetensors is no checkpoint of this model[\s\S]*logits.weight/,
    ],
    ['of a folder that has none', ['--checkpoints', at('empty')], /no checkpoints[\s\S]*step-<n>/],
    ['with fewer learning rates', ['--checkpoints', at('run'), '--learning-rates', '.1'], /got 1, expected 3/],
    ['that are not there, for a method that needs them', ['--method', 'tracin-cp'], /no checkpoints of the training/],
  ])('%s are refused with one message', async (_, words, message) => {
    const { code, errors } = await run('refused', ...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});
