// How much each image counts for each item by gradients of a generator, for `trace verify --gradient`:
// `node …/gradient.js <world> [--kind diffusion] --model FILE --items FILE --images FILE --scores FILE`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readImage } from '../../src/data/formats/image.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { codesOf, patchesOf } from './codebook.ts';
import type { PixelRow } from './diffusion.ts';
import { denoisingInfluence, tokenInfluence } from './influence.ts';
import { kindOf } from './kinds.ts';
import { captionOfText, captionTokens } from './network.ts';
import { readWorld, tokensOf } from './world-file.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kind: { type: 'string', default: 'transformer' },
    model: { type: 'string' },
    items: { type: 'string' },
    images: { type: 'string' },
    scores: { type: 'string' },
  },
});
const [folder = '.wherefore/generator'] = positionals;
const { model: path, items: listed, images: known, scores } = values;
if (path === undefined || listed === undefined || known === undefined || scores === undefined)
  throw new Error('--model, --items, --images and --scores are needed');

const world = readWorld(folder);
const items: { readonly id: string; readonly image: string; readonly prompt?: string }[] = JSON.parse(
  readFileSync(listed, 'utf8'),
);
const images: { readonly id: string }[] = JSON.parse(readFileSync(known, 'utf8'));
const asked: PixelRow[] = [];
for (const { image, prompt = '' } of items)
  asked.push({ caption: captionTokens(captionOfText(prompt)), pixels: (await readImage(image)).pixels });
const model = decodeModel(readFileSync(path));
const runtime = createNodeRuntime({ threads: 1 });
const found = kindOf(values.kind) === 'diffusion' ? await byDenoising() : await byTokens();
await runtime.close();
const scoresOf = (item: number) =>
  Object.fromEntries(images.map(({ id }, i) => [id, found.data[item * images.length + i]]));
writeFileSync(scores, JSON.stringify(Object.fromEntries(items.map(({ id }, q) => [id, scoresOf(q)]))));

async function byDenoising() {
  const rows: PixelRow[] = [];
  for (const { id } of images) {
    const { pixels } = await readImage(join(folder, 'train', id));
    rows.push({ caption: tokensOf(world, id).caption, pixels });
  }
  return denoisingInfluence(model, rows, asked, runtime);
}

function byTokens() {
  const tokens = asked.map(({ caption, pixels }) => ({ caption, codes: codesOf(patchesOf(pixels), world.codebook) }));
  return tokenInfluence(
    model,
    images.map(({ id }) => tokensOf(world, id)),
    tokens,
    runtime,
  );
}
