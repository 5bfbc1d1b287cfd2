// Gradients of single rows against PyTorch by hooks, rows per processor second, one thread each.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { TwoSided } from '../../src/influence/gradient-material.ts';
import { openPasses } from '../../src/influence/gradient-passes.ts';
import { matrix } from '../../src/influence/matrix.ts';
import { randomProjections } from '../../src/influence/methods/projected.ts';
import { covariancePass, projectionPass, squarePass } from '../../src/influence/row-passes.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createModel } from '../../src/runtime/model.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { normals, random } from '../../src/tensor/random.ts';
import { bytesOf, int64 } from '../../src/tensor/tensor.ts';
import { readParameters, trainableParameters } from '../../src/train/parameters.ts';
import { type Spread, spent, spreadOf } from '../measure.ts';
import { Peer } from '../peer.ts';
import type { Images } from './data.ts';

const layers = ['conv0', 'conv1', 'hidden', 'logits'];
const batch = 64;

/** What is compared, with the ratio of speeds that is asked for. */
const goals: Readonly<Record<string, number | undefined>> = { logra: 1.5, covariances: undefined, squares: undefined };

export async function speed(
  model: OnnxModel,
  images: Images,
  runtime: Runtime,
  rounds: number,
  say: (line: string) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wherefore-influence-'));
  const peer = await Peer.start(1, 'influence_peer.py');
  try {
    const count = images.y.length;
    const labels = int64([count], images.y);
    const file = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const parameters = readParameters(model, trainableParameters(model));
    // PyTorch's linear layers lie as [outputs, inputs], these as [inputs, outputs].
    const ordered = layers.flatMap((layer) => [
      turned(parameters.get(`${layer}.weight`)),
      parameters.get(`${layer}.bias`),
    ]);
    const weights = Buffer.concat(ordered.map((one) => bytesOf(one as never)));
    await peer.ask({
      ...{ do: 'load', threads: 1, file: file('weights', weights), rows: file('rows', bytesOf(images.x)) },
      labels: file('labels', bytesOf(labels)),
    });
    const works = await ours(model, images, runtime);
    say(`\n## Speed: ${count} rows of Fashion-MNIST, CNN, batches of ${batch}, one thread each\n`);
    say(
      `Rows per processor second, medians of ${rounds} turns, quartiles in brackets; ${peer.versions}; by hooks, no weight gradients.\n`,
    );
    say('| what | ours | PyTorch by hooks | ratio of speed | goal |');
    say('|---|---|---|---|---|');
    const fit: { ours: number; theirs: number }[] = [];
    for (const [name, goal] of Object.entries(goals)) {
      const [mine, other]: [number[], number[]] = [[], []];
      for (let round = 0; round <= rounds; round++) {
        const a = (await spent(works[name])).cpu;
        const b = (await peer.ask<{ cpu: number }>({ do: 'run', work: name, batch })).cpu;
        // The first turn opens and warms up.
        if (round > 0) mine.push(a) && other.push(b);
      }
      const ratio = spreadOf(mine.map((seconds, k) => other[k] / seconds));
      say(
        `| ${name} | ${rates(mine, count)} | ${rates(other, count)} | **${text(ratio)}** | ${goal === undefined ? '' : `≥ ${goal} ${ratio.median >= goal ? '✓' : '✗'}`} |`,
      );
      if (name !== 'logra') fit.push({ ours: spreadOf(mine).median, theirs: spreadOf(other).median });
    }
    const total = (side: 'ours' | 'theirs') => fit.reduce((sum, one) => sum + one[side], 0);
    const ratio = total('theirs') / total('ours');
    say(
      `| EK-FAC fit (both passes) | ${(count / total('ours')).toFixed(0)} | ${(count / total('theirs')).toFixed(0)} | **${ratio.toFixed(2)}** | ≥ 1.7 ${ratio >= 1.7 ? '✓' : '✗'} |`,
    );
    for (const work of ['torch.func', 'torch.func+projection']) {
      const { cpu } = await peer.ask<{ cpu: number }>({ do: 'run', work, batch });
      say(`| ${work} | – | ${(count / cpu).toFixed(0)} | | no goal |`);
    }
  } finally {
    peer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const text = ({ median, low, high }: Spread) => `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;

function rates(seconds: readonly number[], count: number): string {
  const { median, low, high } = spreadOf(seconds.map((one) => count / one));
  return `${median.toFixed(0)} (${low.toFixed(0)}–${high.toFixed(0)})`;
}

function turned(weight: { readonly shape: readonly number[]; readonly data: unknown } | undefined) {
  if (weight?.shape.length !== 2) return weight;
  const [rows, columns] = weight.shape;
  const [from, data] = [weight.data as Float32Array, new Float32Array(rows * columns)];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) data[j * rows + i] = from[i * columns + j];
  return { type: 'float32', shape: [columns, rows], data };
}

/** The passes over all rows. */
async function ours(model: OnnxModel, { x, y, classes }: Images, runtime: Runtime) {
  const rows = datasetOf({ image: x }, { labels: int64([y.length], y) });
  const opened = createModel(model, runtime, { name: 'cnn', hash: '' });
  const output = model.graph.outputs[0].name;
  const passes = await openPasses({ model: opened, output, classes, rows, queries: rows, batch });
  const all = { from: 0, to: y.length };
  const projections = projectionPass(passes, randomProjections(passes.blocks, 16, 1));
  const covariances = await covariancePass(passes, 'given', 1);
  // Any matrices: what they cost does not depend on their numbers.
  const turn = (size: number) => matrix(size, size, normals(size * size, random(size)));
  const rotations: TwoSided[] = passes.blocks.map(({ rows: r, columns }) => ({ left: turn(r), right: turn(columns) }));
  const squares = await squarePass(passes, rotations, 'given', 1);
  return {
    logra: () => projections.of(all),
    covariances: () => covariances.of(all),
    squares: () => squares.of(all),
  } as Readonly<Record<string, () => Promise<unknown>>>;
}
