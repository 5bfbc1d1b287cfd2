// Draws the data of the generator: `npm run generator:world -- [<folder>] [--scale 1]`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writePng } from '../../src/data/formats/image.ts';
import { random } from '../../src/tensor/random.ts';
import { codesOf, fitCodebook, patchesOf } from './codebook.ts';
import { captionText, drawPool, slots, type WorldImage } from './draw.ts';
import { captionTokens, codeCount } from './network.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { scale: { type: 'string', default: '1' } },
});
const [out = '.wherefore/generator'] = positionals;
const scale = Number(values.scale);

const train = drawPool({ name: 'train', seed: 1, common: Math.round(1521 * scale), share: 1 });
// Other draws of the same process: look-alikes that no model is trained on, and what the codebook is fitted on.
const outside = drawPool({ name: 'outside', seed: 2, common: Math.round(1000 * scale), share: 1 });
const third = drawPool({ name: 'third', seed: 3, common: Math.round(600 * scale), share: 1 });

const width = patchesOf(third[0].pixels).length;
const patches = new Float32Array(third.length * width);
for (const [i, { pixels }] of third.entries()) patches.set(patchesOf(pixels), i * width);
const codebook = fitCodebook(someRows(patches, Math.min(20_000, patches.length / 27)), codeCount, 0);

const source = random(5, 3);
const tokens: Record<string, { caption: number[]; codes: number[] }> = {};
for (const [name, images] of Object.entries({ train, outside })) {
  mkdirSync(join(out, name), { recursive: true });
  const rows = ['file,caption,artist,motif,duplicate'];
  for (const image of images) {
    writeFileSync(join(out, name, image.name), await writePng(image.pixels));
    rows.push(rowOf(image));
    // One word in ten is left out of what the model reads, so that it learns to do without.
    const kept = slots.filter(() => source.uniform() >= 0.1).map((slot) => [slot, image.drawing.caption[slot]]);
    const codes = [...codesOf(patchesOf(image.pixels), codebook)];
    tokens[image.name] = { caption: captionTokens(Object.fromEntries(kept)), codes };
  }
  writeFileSync(join(out, `${name}.csv`), `${rows.join('\n')}\n`);
}
writeFileSync(join(out, 'world.json'), JSON.stringify({ codebook: [...codebook], tokens }));
console.log(`${train.length} images to train on, ${outside.length} look-alikes, in ${out}`);

function rowOf({ name, drawing, motif, duplicate }: WorldImage): string {
  const planted = [
    motif === undefined ? 'none' : `motif ${motif}`,
    duplicate === undefined ? 'none' : `copy of ${duplicate}`,
  ];
  return [name, captionText(drawing.caption), `artist ${drawing.artist + 1}`, ...planted].join(',');
}

/** Patches drawn without replacement. */
function someRows(all: Float32Array, count: number): Float32Array {
  const step = Math.floor(all.length / 27 / count);
  const some = new Float32Array(count * 27);
  for (let i = 0; i < count; i++) some.set(all.subarray(i * step * 27, (i * step + 1) * 27), i * 27);
  return some;
}
