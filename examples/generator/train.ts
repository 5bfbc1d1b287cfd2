// Trains a generator: `npm run generator:train -- <world> --seed 1 --out model.onnx [--kind diffusion] [--removed FILE
// --replaced FILE]`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readImage } from '../../src/data/formats/image.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { type PixelRow, trainDiffusion } from './diffusion.ts';
import { type GeneratorTraining, trainGenerator } from './generator.ts';
import { kindOf } from './kinds.ts';
import { readWorld, tokensOf } from './world-file.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '0' },
    kind: { type: 'string', default: 'transformer' },
    out: { type: 'string' },
    /** Passes over the data; default 16 for a transformer, 32 for a diffusion model. */
    epochs: { type: 'string' },
    removed: { type: 'string' },
    replaced: { type: 'string' },
  },
});
const [folder = '.wherefore/generator'] = positionals;
const kind = kindOf(values.kind);
const out = values.out ?? `${folder}/${kind === 'diffusion' ? 'diffusion' : 'model'}-${values.seed}.onnx`;
const readJson = (path: string | undefined) =>
  path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));
const removed = new Set<string>(readJson(values.removed) ?? []);
const replaced: Record<string, string> = readJson(values.replaced) ?? {};

const world = readWorld(folder);
const names = Object.keys(world.tokens).filter((name) => name.startsWith('train-'));
const missing = [...removed, ...Object.keys(replaced)].find((name) => !names.includes(name));
if (missing !== undefined) throw new Error(`${missing} is not in the data`);
const rowWeights = Float32Array.from(names, (name) => (removed.has(name) ? 0 : 1));
const epochs = values.epochs === undefined ? undefined : Number(values.epochs);
const training: GeneratorTraining = { seed: Number(values.seed), rowWeights, ...(epochs !== undefined && { epochs }) };

const runtime = createNodeRuntime({ threads: 1 });
if (kind === 'transformer') {
  // What takes the place of an image is another image with the caption of its own.
  const rows = names.map((name) => tokensOf(world, replaced[name] ?? name));
  const { model, nats } = await trainGenerator(rows, training, runtime);
  writeFileSync(out, encodeModel(model));
  console.log(`${rows.length - removed.size} images, ${nats.toFixed(1)} nats an image at the end; written to ${out}`);
} else {
  const rows: PixelRow[] = [];
  for (const name of names) {
    const path = replaced[name] ?? join(folder, 'train', name);
    rows.push({ caption: tokensOf(world, path).caption, pixels: (await readImage(path)).pixels });
  }
  writeFileSync(out, encodeModel(await trainDiffusion(rows, training, runtime)));
  console.log(`${rows.length - removed.size} images; written to ${out}`);
}
await runtime.close();
