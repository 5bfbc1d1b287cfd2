// Trains a generator: `npm run generator:train -- <world> --seed 1 --out model.onnx [--kind diffusion] [--removed FILE
// --replaced FILE] [--kept FOLDER]`.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
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
    /** Where models are kept by what determines them, so that another plan does not train the same ones again. */
    kept: { type: 'string' },
  },
});
const [folder = '.wherefore/generator'] = positionals;
const kind = kindOf(values.kind);
const out = values.out ?? `${folder}/${kind === 'diffusion' ? 'diffusion' : 'model'}-${values.seed}.onnx`;
const readJson = (path: string | undefined) =>
  path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));
const removed = new Set<string>(readJson(values.removed) ?? []);
const replaced: Record<string, string> = readJson(values.replaced) ?? {};

const kept = values.kept && join(values.kept, `${keyOf()}.onnx`);
if (kept && existsSync(kept)) {
  copyFileSync(kept, out);
  console.log(`taken from ${kept}`);
  process.exit();
}

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
if (kept) {
  mkdirSync(values.kept as string, { recursive: true });
  copyFileSync(out, `${kept}.${process.pid}`);
  renameSync(`${kept}.${process.pid}`, kept);
}

/** What determines a model: the world, the kind, the seed, the passes, and what is left out and replaced. */
function keyOf(): string {
  const said = [kind, values.seed, values.epochs ?? '', [...removed].sort(), Object.entries(replaced).sort()];
  const world = readFileSync(join(folder, 'world.json'));
  return createHash('sha256').update(world).update(JSON.stringify(said)).digest('hex').slice(0, 24);
}
