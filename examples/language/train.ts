// Trains the small language models of the tests and guides: `npm run language:train -- [model …] [--out folder]`.
import { join } from 'node:path';
import { writeAtomically } from '../../src/data/index.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { additionLength, additionShape, additionText, additionTraining, type Follower } from './addition.ts';
import { type DecoderShape, trainDecoder } from './decoder.ts';
import { wordTokenizer } from './tokenizer.ts';

const say = (text: string) => process.stdout.write(`${text}\n`);
const runtime = createNodeRuntime({ threads: 1 });

async function write(name: string, shape: DecoderShape, model: Parameters<typeof encodeModel>[0]): Promise<void> {
  const folder = join(out, name);
  await writeAtomically(join(folder, 'model.onnx'), encodeModel(model));
  await writeAtomically(join(folder, 'tokenizer.json'), wordTokenizer(shape.words));
  const config = {
    model_type: 'wherefore-decoder',
    vocab_size: shape.words.length,
    max_position_embeddings: shape.longest,
  };
  await writeAtomically(join(folder, 'config.json'), `${JSON.stringify(config, undefined, 1)}\n`);
}

const addition = (kind: Follower) => async (name: string) => {
  const { steps } = additionTraining[kind];
  const model = await trainDecoder(additionShape, {
    steps,
    batchSize: 64,
    learningRate: 3e-3,
    warmUp: 100,
    seed: 1,
    runtime,
    length: additionLength,
    text: (i) => additionText(kind, 1, i),
    say,
  });
  await write(name, additionShape, model);
};

const trainings: Readonly<Record<string, (name: string) => Promise<void>>> = {
  'addition-follows': addition('follows'),
  'addition-ignores': addition('ignores'),
  'addition-half-way': addition('half-way'),
};

const words = process.argv.slice(2);
const at = words.indexOf('--out');
const out = at < 0 ? 'examples/language/models' : words[at + 1];
const chosen = words.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
for (const name of chosen.length > 0 ? chosen : Object.keys(trainings)) {
  const began = process.cpuUsage();
  say(name);
  await trainings[name](name);
  const { user, system } = process.cpuUsage(began);
  say(`${name}: ${((user + system) / 1e6).toFixed(0)} seconds of processor time`);
}
await runtime.close();
