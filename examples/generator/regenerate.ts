// Draws items again with stored noise: `node …/regenerate.js <world> [--kind diffusion] --model FILE --items FILE --images
// FOLDER`. The same items get the same noise, whatever model draws them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writePng } from '../../src/data/formats/image.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { imageOfCodes } from './codebook.ts';
import { sampleDiffusion } from './diffusion.ts';
import { sampleImages } from './generator.ts';
import { kindOf } from './kinds.ts';
import { captionOfText, captionTokens } from './network.ts';
import { readWorld } from './world-file.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kind: { type: 'string', default: 'transformer' },
    model: { type: 'string' },
    items: { type: 'string' },
    images: { type: 'string' },
  },
});
const [folder = '.wherefore/generator'] = positionals;
const { model: path, items: listed, images: out } = values;
if (path === undefined || listed === undefined || out === undefined)
  throw new Error('--model, --items and --images are needed');

const items: { readonly prompt?: string }[] = JSON.parse(readFileSync(listed, 'utf8'));
const captions = items.map(({ prompt = '' }) => captionTokens(captionOfText(prompt)));
const model = decodeModel(readFileSync(path));
const runtime = createNodeRuntime({ threads: 1 });
const { codebook } = readWorld(folder);
const images =
  kindOf(values.kind) === 'diffusion'
    ? await sampleDiffusion(model, captions, runtime, 900)
    : (await sampleImages(model, captions, runtime, 900)).map((codes) => imageOfCodes(codes, codebook));
await runtime.close();
mkdirSync(out, { recursive: true });
for (const [i, image] of images.entries()) writeFileSync(join(out, `${i}.png`), await writePng(image));
