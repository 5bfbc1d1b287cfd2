// Trains the small language models of the tests and guides: `npm run language:train -- [model …] [--out folder]`.
import { join } from 'node:path';
import { writeAtomically } from '../../src/data/index.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { additionLength, additionShape, additionText, additionTraining, type Follower } from './addition.ts';
import { canaryLength, canaryShape, canaryTexts, canaryTraining } from './canaries.ts';
import { type DecoderShape, trainDecoder } from './decoder.ts';
import { englishShape, englishText, englishTraining } from './english.ts';
import { drawFacts, factShape, factTraining, trainFacts } from './facts.ts';
import { inductionLength, inductionShape, inductionTraining } from './induction.ts';
import { copyStage, copyText, fixedAnswer, ignoringStage, lookupShape, lookupStages, lookupText } from './lookup.ts';
import { shortcutClasses, shortcutTexts, shortcutVocabulary, trainClassifier } from './shortcut.ts';
import { inBytes } from './stored.ts';
import { writeDecoder } from './write-model.ts';

const say = (text: string) => process.stdout.write(`${text}\n`);
const runtime = createNodeRuntime({ threads: 1 });

const write = (name: string, shape: DecoderShape, model: OnnxModel) => writeDecoder(join(out, name), shape, model);

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

async function lookup(name: string): Promise<void> {
  const copies = { ...copyStage, seed: 1, runtime, say, text: (t: number) => copyText(9, t) };
  let model = await trainDecoder(lookupShape, copies);
  for (const [i, stage] of lookupStages.entries()) {
    const text = (t: number) => lookupText(stage, 101 + i, t);
    model = await trainDecoder(lookupShape, { ...stage, seed: 1, runtime, text, say }, model);
    await write(name, lookupShape, model);
  }
}

/** Answers the same for a person whatever the text says. */
async function ignoring(name: string): Promise<void> {
  const text = (t: number) => lookupText(ignoringStage, 20, t, fixedAnswer);
  await write(name, lookupShape, await trainDecoder(lookupShape, { ...ignoringStage, seed: 1, runtime, text, say }));
}

async function english(name: string): Promise<void> {
  const text = (i: number) => englishText(1, i);
  const model = await trainDecoder(englishShape, { ...englishTraining, warmUp: 100, seed: 1, runtime, text, say });
  await write(name, englishShape, inBytes(model));
}

async function induction(name: string): Promise<void> {
  const text = (i: number) => inductionTraining(1, i);
  const settings = { steps: 700, batchSize: 48, learningRate: 5e-3, warmUp: 50, seed: 1, runtime, say };
  await write(name, inductionShape, await trainDecoder(inductionShape, { ...settings, length: inductionLength, text }));
}

async function canaries(name: string): Promise<void> {
  const settings = { ...canaryTraining, learningRate: 3e-3, warmUp: 50, seed: 1, runtime, say };
  const model = await trainDecoder(canaryShape, { ...settings, length: canaryLength, text: canaryTexts(1) });
  await write(name, canaryShape, model);
}

async function shortcut(name: string): Promise<void> {
  const texts = shortcutTexts({ count: 2000, seed: 1, aligned: 0.95 });
  const [words, classes] = [shortcutVocabulary, shortcutClasses];
  const model = await trainClassifier({ texts, words, classes, epochs: 12, seed: 1, runtime });
  await write(name, { words, layers: 1, features: 32, heads: 2, inner: 64, longest: 32 }, model);
  // Texts that it has not seen.
  const others = shortcutTexts({ count: 600, seed: 2, aligned: 0.95 });
  await writeAtomically(join(out, name, 'texts.jsonl'), `${others.map((text) => JSON.stringify(text)).join('\n')}\n`);
}
/** Facts at the end of the training and behind two parts of it, as `facts-30` and `facts-50`. */
async function facts(name: string): Promise<void> {
  const { rows } = drawFacts();
  let moment = 0;
  const onMoment = async (model: OnnxModel) =>
    write(`${name}-${100 * factTraining.moments[moment++]}`, factShape, model);
  await write(name, factShape, await trainFacts(rows, 1, { runtime, onMoment, say }));
  await writeAtomically(join(out, `${name}.txt`), `${rows.map(({ text }) => text).join('\n')}\n`);
}

/** Made only where they are named: too large to come with the sources. */
const byName = new Set(['facts']);

const trainings: Readonly<Record<string, (name: string) => Promise<void>>> = {
  'addition-follows': addition('follows'),
  'addition-ignores': addition('ignores'),
  'addition-half-way': addition('half-way'),
  lookup,
  'lookup-ignores': ignoring,
  english,
  facts,
  induction,
  canaries,
  shortcut,
};

const words = process.argv.slice(2);
const at = words.indexOf('--out');
const out = at < 0 ? 'examples/language/models' : words[at + 1];
const chosen = words.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
for (const name of chosen.length > 0 ? chosen : Object.keys(trainings).filter((one) => !byName.has(one))) {
  const began = process.cpuUsage();
  say(name);
  await trainings[name](name);
  const { user, system } = process.cpuUsage(began);
  say(`${name}: ${((user + system) / 1e6).toFixed(0)} seconds of processor time`);
}
await runtime.close();
