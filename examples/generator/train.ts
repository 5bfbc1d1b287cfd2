// Trains the generator: `npm run generator:train -- <world> --seed 1 --out model.onnx [--removed FILE --replaced FILE]`.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { encodeModel } from '../../src/onnx/encode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { trainGenerator } from './generator.ts';
import { readWorld, tokensOf } from './world-file.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '0' },
    out: { type: 'string' },
    epochs: { type: 'string', default: '16' },
    removed: { type: 'string' },
    replaced: { type: 'string' },
  },
});
const [folder = '.wherefore/generator'] = positionals;
const out = values.out ?? `${folder}/model-${values.seed}.onnx`;
const readJson = (path: string | undefined) =>
  path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));
const removed = new Set<string>(readJson(values.removed) ?? []);
const replaced: Record<string, string> = readJson(values.replaced) ?? {};

const world = readWorld(folder);
const names = Object.keys(world.tokens).filter((name) => name.startsWith('train-'));
const missing = [...removed, ...Object.keys(replaced)].find((name) => !names.includes(name));
if (missing !== undefined) throw new Error(`${missing} is not in the data`);
// What takes the place of an image is another image with the caption of its own.
const rows = names.map((name) => tokensOf(world, replaced[name] ?? name));
const rowWeights = Float32Array.from(names, (name) => (removed.has(name) ? 0 : 1));

const runtime = createNodeRuntime({ threads: 1 });
const training = { seed: Number(values.seed), epochs: Number(values.epochs), rowWeights };
const { model, nats } = await trainGenerator(rows, training, runtime);
await runtime.close();
writeFileSync(out, encodeModel(model));
console.log(`${rows.length - removed.size} images, ${nats.toFixed(1)} nats an image at the end; written to ${out}`);
