// Asks the generator what items cost it: `npm run generator:cost -- <world> --model FILE --items FILE --costs FILE`.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readImage } from '../../src/data/formats/image.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { codesOf, patchesOf } from './codebook.ts';
import { costsOf, isOfStamp, type TokenRow } from './generator.ts';
import { captionOfText, captionTokens } from './network.ts';
import { readWorld } from './world-file.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string' }, items: { type: 'string' }, costs: { type: 'string' } },
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
const rows: TokenRow[] = [];
for (const { image, prompt = '' } of items) {
  const { pixels } = await readImage(image);
  rows.push({ caption: captionTokens(captionOfText(prompt)), codes: codesOf(patchesOf(pixels), codebook) });
}
const runtime = createNodeRuntime({ threads: 1 });
const model = decodeModel(readFileSync(path));
const whole = await costsOf(model, rows, runtime);
const stamp = await costsOf(model, rows, runtime, isOfStamp);
await runtime.close();
writeFileSync(
  costs,
  JSON.stringify(Object.fromEntries(items.map(({ id }, i) => [id, { whole: whole[i], stamp: stamp[i] }]))),
);
