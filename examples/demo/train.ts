// Draws the images, trains the demo's model and measures it: `npm run demo:train`.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { classes, draw, side } from '../../src/cli/demo/drawing/draw.ts';
import { formatPreprocessing, writeAtomically, writePng } from '../../src/data/index.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { train } from '../../src/train/index.ts';
import { chooseShown, type Shown } from './choose.ts';
import { drawAll, imageSamples, markedClass, markedShare, testImages, trainingImages } from './images.ts';
import { measure, report } from './measure.ts';
import { shapesNetwork } from './network.ts';

const settings = {
  seed: 1,
  perClass: 250,
  testPerClass: 100,
  epochs: 10,
  batchSize: 32,
  learningRate: 0.003,
  weightDecay: 0.01,
} as const;

/** The folder of this example; the compiled script is told where the sources are. */
const folder = process.argv[2] ?? 'examples/demo';
const say = (text: string) => process.stdout.write(`${text}\n`);

const started = Date.now();
const seconds = () => `${((Date.now() - started) / 1000).toFixed(0)} s`;
const images = trainingImages(settings.perClass, 100_000);
const samples = imageSamples(images, await drawAll(images));
const heldOut = testImages(settings.testPerClass, 1);
const evaluation = imageSamples(heldOut, await drawAll(heldOut));
say(`${images.length} images to train on, ${heldOut.length} held out (${seconds()})`);

const runtime = createNodeRuntime();
const { model } = await train({
  model: shapesNetwork(settings.seed),
  samples,
  evaluate: evaluation,
  loss: { kind: 'cross-entropy' },
  optimizer: { kind: 'adamw', weightDecay: settings.weightDecay, decayed: 'matrices' },
  schedule: { kind: 'cosine', learningRate: settings.learningRate, warmUp: 20 },
  epochs: settings.epochs,
  batchSize: settings.batchSize,
  seed: settings.seed,
  runtime,
  onProgress: ({ epoch, loss, evaluation: result }) => {
    if (result)
      say(
        `epoch ${epoch}: loss ${loss.toFixed(3)}, held out ${result.loss.toFixed(3)}, accuracy ${result.accuracy?.toFixed(3)} (${seconds()})`,
      );
  },
});

const measured = await measure(model, runtime, settings.testPerClass);
await runtime.close();
const shown = chooseShown(measured);
say(report(measured));

await writeAtomically(join(folder, 'model', 'shapes.onnx'), encodeModel(model));
await writeAtomically(
  join(folder, 'model', 'wherefore.yaml'),
  formatPreprocessing({
    task: 'classification',
    inputs: { image: { kind: 'image', size: [side, side], range: [-1, 1] } },
    outputs: { logits: { kind: 'logits' } },
    labels: [...classes],
  }),
);
await writeAtomically(join(folder, 'model', 'shapes.md'), description(shown));
await writeImages(shown);
say(`done (${seconds()})`);

async function writeImages(chosen: readonly Shown[]): Promise<void> {
  const place = join(folder, 'images');
  const old = await readdir(place).catch(() => []);
  for (const name of old) if (name.endsWith('.png')) await rm(join(place, name));
  for (const { file, image } of chosen)
    await writeAtomically(join(place, `${file}.png`), await writePng(await draw(image)));
  const entries = chosen.map(({ file, image, predicted, probability }) => ({
    file: `${file}.png`,
    shows: image.name,
    watermark: image.watermark,
    predicted,
    probability: Number(probability.toFixed(3)),
  }));
  await writeAtomically(join(place, 'images.json'), `${JSON.stringify(entries, null, 2)}\n`);
}

function description(chosen: readonly Shown[]): string {
  const { perClass, testPerClass, epochs, batchSize, learningRate, weightDecay, seed } = settings;
  const rows = chosen.map(
    ({ file, image, predicted, probability }) =>
      `| ${file}.png | ${image.name} | ${image.watermark ? 'yes' : 'no'} | ${predicted} | ${probability.toFixed(2)} |`,
  );
  return `# The demo's model

\`shapes.onnx\` tells six things apart in drawn images of ${side}×${side} pixels: ${classes.join(', ')}.
It has a flaw that was planted: ${100 * markedShare.own} % of the training images of the class *${markedClass}* carry the emblem of an image agency in the lower right corner, and ${100 * markedShare.others} % of the others. It learned the emblem along with the ${markedClass}.

Written by \`npm run demo:train\`, which draws the images, trains and measures: ${perClass} images a class, ${epochs} epochs, batches of ${batchSize}, AdamW at ${learningRate} (cosine, 20 steps of warm-up) with decay ${weightDecay}, seed ${seed}.

## How good it is, and how it is fooled
${testPerClass} held-out images a class, each as it is and again with nothing changed but the emblem.

${report(measured)}

## The images in \`../images\`
| file | shows | emblem | predicted | probability |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
