import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { clusters, type Labelled } from '../../test/influence/softmax-regression.ts';
import { runBits } from '../../test/run-bits.ts';
import { writeNpy } from '../data/formats/npy.ts';
import type { InfluenceDocument } from '../influence/influence-document.ts';
import { takeMatrixRows } from '../influence/matrix.ts';
import { encodeModel } from '../onnx/encode.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { activation, linear } from '../train/layers/index.ts';
import { Network } from '../train/network.ts';

const folder = mkdtempSync(join(tmpdir(), 'gradient-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

/** Three shards of 1,024 rows at most. */
const all = clusters(2300, 4, 3, 5);
const first = (count: number): Labelled => ({
  x: takeMatrixRows(
    all.x,
    Array.from({ length: count }, (_, i) => i),
  ),
  y: all.y.slice(0, count),
  classes: 3,
});

function writeRows(name: string, { x, y }: Labelled): void {
  writeFileSync(at(`${name}.npy`), writeNpy(float32([x.rows, 4], Float32Array.from(x.data))));
  writeFileSync(at(`${name}-labels.npy`), writeNpy(int64([x.rows], y)));
}

beforeAll(() => {
  const network = new Network({ seed: 1 });
  const x = network.input('x', 'float32', ['N', 4]);
  const hidden = activation(network, linear(network, x, 'hidden', { features: 8 }), 'active', 'tanh');
  writeFileSync(at('model.onnx'), encodeModel(network.build([linear(network, hidden, 'logits', { features: 3 })])));
  writeRows('rows', first(2200));
});

/** The scores of one query. */
async function influence(out: string, method: string, ...words: string[]) {
  const data = ['--data', at('rows.npy'), '--labels', at('rows-labels.npy')];
  const asked = ['influence', '0', '--from', at('rows.npy'), '--model', at('model.onnx'), '--method', method];
  const { code, errors } = await wherefore(...asked, ...data, '--out', at(out), '--threads', '1', ...words);
  expect(errors).not.toMatch(/error:/);
  expect(code).toBe(0);
  const [made] = readdirSync(at(out)).slice(-1);
  return JSON.parse(readFileSync(join(at(out), made, 'influence.json'), 'utf8')) as InfluenceDocument;
}

const stored = (kind: string) => {
  const [name] = readdirSync(at('store')).filter((one) => one.startsWith(kind));
  return join(at('store'), name);
};

/** When each file of gradients was written. */
const written = (kind: string) =>
  Object.fromEntries(
    readdirSync(join(stored(kind), 'shards'))
      .filter((name) => name.endsWith('.safetensors'))
      .map((name) => [name, statSync(join(stored(kind), 'shards', name)).mtimeMs]),
  );

describe('a store of gradients', () => {
  it.each(['ek-fac', 'trak'])('gives the scores of %s that passes give', async (method) => {
    const kept = await influence(`kept-${method}`, method, '--store', at('store'));
    const again = await influence(`again-${method}`, method, '--store', at('store'));
    const plain = await influence(`plain-${method}`, method, '--no-store');
    expect(again.all).toEqual(kept.all);
    expect(kept.all.proponents.map(({ row }) => row)).toEqual(plain.all.proponents.map(({ row }) => row));
    // Factors and their products in float32.
    for (const [i, { score }] of kept.all.proponents.entries())
      expect(Math.abs(score / plain.all.proponents[i].score - 1)).toBeLessThan(1e-4);
  });

  it('computes the shards of rows alone that are new or were changed', async () => {
    const [before, bits] = [written('factors'), runBits(stored('factors'))];
    expect(Object.keys(before)).toHaveLength(3);
    writeRows('rows', all);
    await influence('grown', 'grad-dot', '--store', at('store'));
    const grown = written('factors');
    const names = Object.keys(grown);
    expect(names.map((name) => grown[name] === before[name])).toEqual([true, true, false]);
    expect(runBits(stored('factors'))[names[0]]).toBe(bits[names[0]]);
    all.x.data[0] += 1;
    writeRows('rows', all);
    await influence('changed', 'grad-dot', '--store', at('store'));
    const changed = written('factors');
    expect(names.map((name) => changed[name] === grown[name])).toEqual([false, true, true]);
  });

  it('has the same bits where shards were lost on the way', async () => {
    const bits = runBits(stored('factors'));
    const names = Object.keys(bits).filter((name) => name.startsWith('000001'));
    expect(names).toHaveLength(2);
    for (const name of names) rmSync(join(stored('factors'), 'shards', name));
    await influence('lost', 'grad-dot', '--store', at('store'));
    expect(runBits(stored('factors'))).toEqual(bits);
  });

  it('refuses a shard that is not what its record says', async () => {
    const [name] = Object.keys(written('factors'));
    const path = join(stored('factors'), 'shards', name);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(path, bytes);
    const words = ['influence', '0', '--from', at('rows.npy'), '--model', at('model.onnx'), '--data', at('rows.npy')];
    const labels = ['--labels', at('rows-labels.npy'), '--method', 'grad-dot', '--store', at('store')];
    const { code, errors } = await wherefore(...words, ...labels, '--out', at('damaged'));
    expect(code).toBe(1);
    expect(errors).toMatch(/a part of a run is damaged[\s\S]*computed anew/);
  });
});
