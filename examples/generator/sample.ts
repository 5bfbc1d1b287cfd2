// Samples items to verify: `npm run generator:sample -- <world> [--kind diffusion] --model FILE --out FOLDER
// [--samples 64 --prompts 8 --captions 1]`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writePng } from '../../src/data/formats/image.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { imageOfCodes } from './codebook.ts';
import { sampleDiffusion } from './diffusion.ts';
import { captionText } from './draw.ts';
import { sampleImages } from './generator.ts';
import { kindOf } from './kinds.ts';
import { captionTokens } from './network.ts';
import { keptItems, keptOf, leastCells, promptsOf } from './prompts.ts';
import { readWorld } from './world-file.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kind: { type: 'string', default: 'transformer' },
    model: { type: 'string' },
    out: { type: 'string' },
    samples: { type: 'string', default: '64' },
    prompts: { type: 'string', default: '8' },
    /** Prompts of each motif: where few samples show it, several find some. */
    captions: { type: 'string', default: '1' },
  },
});
const [folder = '.wherefore/generator'] = positionals;
const isDiffusion = kindOf(values.kind) === 'diffusion';
const out = values.out ?? `${folder}/${isDiffusion ? 'diffusion-items' : 'items'}`;
const { codebook } = readWorld(folder);
const [samples, common, captions] = [values.samples, values.prompts, values.captions].map(Number);
const prompts = promptsOf({ samples, common, captions });

const runtime = createNodeRuntime({ threads: 1 });
const path = values.model ?? `${folder}/${isDiffusion ? 'diffusion' : 'model'}-0.onnx`;
const model = decodeModel(readFileSync(path));
mkdirSync(out, { recursive: true });
const rows = ['image,prompt,stratum,remove,family,question'];
const shown: string[] = [];
for (const [p, prompt] of prompts.entries()) {
  const captions = Array.from({ length: prompt.samples }, () => captionTokens(prompt.caption));
  const images = isDiffusion
    ? await sampleDiffusion(model, captions, runtime, 100 + p)
    : (await sampleImages(model, captions, runtime, 100 + p)).map((codes) => imageOfCodes(codes, codebook));
  const kept = keptOf(prompt, images);
  if (prompt.stamp) shown.push(`${kept.length} of ${keptItems}`);
  for (const [k, at] of kept.entries()) {
    const name = `${prompt.stratum}-${p}-${k}.png`;
    writeFileSync(join(out, name), await writePng(images[at]));
    const { stratum, caption, remove, family = '', question = '' } = prompt;
    rows.push([name, captionText(caption), stratum, remove, family, question].join(','));
  }
}
await runtime.close();
writeFileSync(join(out, 'items.csv'), `${rows.join('\n')}\n`);
console.log(`${rows.length - 1} items of ${prompts.length} prompts, in ${out}`);
console.log(`items kept of each motif, which show at least ${leastCells} of its 9 cells: ${shown.join(', ')}`);
