// Asks a generator what items cost it: `node …/measure.js <world> [--kind diffusion] --model FILE --items FILE --costs FILE`.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readImage } from '../../src/data/formats/image.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { codesOf, patchesOf } from './codebook.ts';
import { denoisingCosts, type PixelRow } from './diffusion.ts';
import { costsOf, isOfStamp } from './generator.ts';
import { kindOf } from './kinds.ts';
import { captionOfText, captionTokens } from './network.ts';
import { readWorld } from './world-file.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kind: { type: 'string', default: 'transformer' },
    model: { type: 'string' },
    items: { type: 'string' },
    costs: { type: 'string' },
  },
});
const [folder = '.wherefore/generator'] = positionals;
const { model: path, items: listed, costs } = values;
if (path === undefined || listed === undefined || costs === undefined)
  throw new Error('--model, --items and --costs are needed');

interface Item {
  readonly id: string;
  readonly image: string;
  readonly prompt?: string;
}

const { codebook } = readWorld(folder);
const items: Item[] = JSON.parse(readFileSync(listed, 'utf8'));
const rows: PixelRow[] = [];
for (const { image, prompt = '' } of items)
  rows.push({ caption: captionTokens(captionOfText(prompt)), pixels: (await readImage(image)).pixels });
const model = decodeModel(readFileSync(path));
const runtime = createNodeRuntime({ threads: 1 });
const measured = kindOf(values.kind) === 'diffusion' ? await byDenoising() : await byTokens();
await runtime.close();
writeFileSync(costs, JSON.stringify(Object.fromEntries(items.map(({ id }, i) => [id, measured[i]]))));

async function byDenoising() {
  const whole = await denoisingCosts(model, rows, runtime);
  const stamp = await denoisingCosts(model, rows, runtime, isOfStamp);
  return whole.map((cost, i) => ({ whole: cost, stamp: stamp[i] }));
}

async function byTokens() {
  const tokens = rows.map(({ caption, pixels }) => ({ caption, codes: codesOf(patchesOf(pixels), codebook) }));
  const whole = await costsOf(model, tokens, runtime);
  const stamp = await costsOf(model, tokens, runtime, isOfStamp);
  return whole.map((cost, i) => ({ whole: cost, stamp: stamp[i] }));
}
