import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AttributionRequest, attribute } from '../src/attribution/attribute.ts';
import { loadModel } from '../src/data/model/load-model.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { float32, sizeOf } from '../src/tensor/tensor.ts';
import { nets } from './nets.ts';
import { highWaterMark } from './processes.ts';

/** What is repeated: steps of a path on ResNet-18, masks or coalitions of tiles on the small CNN. */
interface Repeated {
  readonly title: string;
  readonly net: 'resnet18' | 'smallCnn';
  /** From few to many repetitions: the peak of each against that of the one before. */
  readonly counts: readonly [number, number, number];
  request(count: number): Pick<AttributionRequest, 'method' | 'parameters' | 'groups'>;
}

export const repetitions: Readonly<Record<string, Repeated>> = {
  path: {
    title: 'ResNet-18, integrated gradients, steps',
    net: 'resnet18',
    counts: [50, 400, 1200],
    request: (steps) => ({ method: 'integrated-gradients', parameters: { steps, tolerance: 0 } }),
  },
  rise: {
    title: 'small CNN, RISE, masks',
    net: 'smallCnn',
    counts: [2000, 16_000, 64_000],
    request: (samples) => ({ method: 'rise', parameters: { samples } }),
  },
  'kernel-shap': {
    title: 'small CNN, KernelSHAP of 64 tiles, coalitions',
    net: 'smallCnn',
    counts: [4000, 16_000, 64_000],
    request: (samples) => ({
      method: 'kernel-shap',
      parameters: { samples },
      groups: { kind: 'windows', size: 4 },
    }),
  },
};

/** Peak resident memory, in MiB, of a process of its own and that of the model, when something is repeated so many times. */
export function peakOf(repeated: string, count: number, threads: number): number {
  const program = fileURLToPath(import.meta.url);
  const output = execFileSync(process.execPath, [program, repeated, String(count), String(threads)], {
    encoding: 'utf8',
  });
  return Number(output) / 1024;
}

async function explain({ net, request }: Repeated, count: number, threads: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'wherefore-bench-'));
  const file = join(folder, `${net}.onnx`);
  writeFileSync(file, encodeModel(nets[net](1).model));
  const side = net === 'resnet18' ? 224 : 32;
  const shape = [1, 3, side, side];
  const image = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i));
  const model = await loadModel(file, { threads });
  await attribute(model, {
    ...request(count),
    inputs: new Map([['x', float32(shape, image)]]),
    target: { kind: 'classLogit', class: 1 },
    baseline: { kind: 'zero' },
    layout: { channelAxis: 1, spatialAxes: [2, 3] },
  });
  // Before the runtime's process ends with its model.
  const peak = highWaterMark();
  await model.close();
  rmSync(folder, { recursive: true });
  return peak;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [repeated, count, threads] = process.argv.slice(2);
  console.log(await explain(repetitions[repeated], Number(count), Number(threads)));
}
