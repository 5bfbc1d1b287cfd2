// Makes an encoder of images of a trained generator: `node …/encoder.js <world> --model FILE`, for `trace index --encoder`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { side } from './draw.ts';
import { encoderNetwork } from './network.ts';
import { readWorld } from './world-file.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { model: { type: 'string' } } });
const [folder = '.wherefore/generator'] = positionals;
const { codebook } = readWorld(folder);
const generator = decodeModel(readFileSync(values.model ?? join(folder, 'model-0.onnx')));
const out = join(folder, 'encoder');
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'encoder.onnx'), encodeModel(encoderNetwork(generator, codebook)));
writeFileSync(
  join(out, 'wherefore.yaml'),
  `inputs:\n  image: { kind: image, size: [${side}, ${side}], range: [0, 1] }\n`,
);
console.log(`written to ${out}; index with --encoder ${join(out, 'encoder.onnx')} --layer hidden`);
