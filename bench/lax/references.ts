import { type Baseline, describeBaseline, resolveBaseline } from '../../src/attribution/baseline.ts';
import { defaultTolerance } from '../../src/evaluation/reference-test.ts';
import { drawReference, pixelStatistics } from '../../src/explainer/references.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import { concatRows, float32, type Tensor } from '../../src/tensor/tensor.ts';
import type { Subject } from './subjects.ts';

/** What stands for removed pixels when explanations are judged; the explainer is trained with none of these. */
export interface JudgeReference {
  readonly title: string;
  /** For an image `[1, C, H, W]`, the class that is explained, and the position of the image. */
  readonly of: (x: Tensor<'float32'>, label: number, i: number) => Baseline;
}

const layout = { channelAxis: 1, spatialAxes: [2, 3] };

/** Probabilities `[N][K]` of images. */
export async function probabilities({ model, input }: Subject, x: Tensor<'float32'>): Promise<Float64Array[]> {
  const { name, shape } = model.graph.outputs[0];
  const results = await model.executor.run(model.graph, new Map([[input, x]]), [name]);
  const scores = (results.get(name) as Tensor<'float32'>).data;
  const classes = scores.length / x.shape[0];
  if (!Number.isInteger(classes)) throw new Error(`scores of shape ${shape}`);
  return Array.from({ length: x.shape[0] }, (_, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes);
    const most = Math.max(...row);
    const exponentials = Float64Array.from(row, (score) => Math.exp(score - most));
    const sum = exponentials.reduce((a, b) => a + b, 0);
    return exponentials.map((value) => value / sum);
  });
}

export const imageAt = (all: Tensor<'float32'>, i: number): Tensor<'float32'> => {
  const size = all.data.length / all.shape[0];
  return float32([1, ...all.shape.slice(1)], all.data.slice(i * size, (i + 1) * size));
};

/** Draws among images that give the explained class no more than chance. */
async function drawnFrom(subject: Subject, title: string, images: Tensor<'float32'>): Promise<JudgeReference> {
  const chances = await probabilities(subject, images);
  return {
    title: `${title}, drawn among those that give the class no more than chance`,
    of: (_, label, i) => {
      const order = permutation(images.shape[0], random(12, i + 1));
      const found = order.find((at) => chances[at][label] <= 1 / chances[at].length) ?? order[0];
      return { kind: 'input', tensor: imageAt(images, found), description: title };
    },
  };
}

/** What the explainer is trained with as well: scores under it are reported beside the others, not instead of them. */
export const trainedReference = (subject: Subject): Promise<JudgeReference> =>
  drawnFrom(subject, 'another training image', subject.pool);

/** References to choose from, in the order of preference. */
async function candidates(subject: Subject): Promise<JudgeReference[]> {
  const { pool } = subject;
  const [height] = pool.shape.slice(2);
  const size = pool.data.length / pool.shape[0];
  const mean = Float32Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let at = i; at < pool.data.length; at += size) sum += pool.data[at];
    return sum / pool.shape[0];
  });
  const meanImage: Baseline = {
    kind: 'input',
    tensor: float32([1, ...pool.shape.slice(1)], mean),
    description: `the mean of ${pool.shape[0]} training images`,
  };
  const blur: Baseline = { kind: 'blur', sigma: height / 4 };
  return [
    { title: describeBaseline(blur), of: () => blur },
    { title: describeBaseline(meanImage), of: () => meanImage },
    await drawnFrom(subject, 'another training image cut into 4 × 4 tiles in another order', shuffled(pool)),
  ];
}

/** Images cut into 4 × 4 tiles in another order. */
function shuffled(images: Tensor<'float32'>): Tensor<'float32'> {
  const [count, channels, height, width] = images.shape;
  const layout = { channelAxis: 1, channels, height, width } as const;
  const statistics = pixelStatistics(images, layout);
  const size = images.data.length / count;
  const values = new Float32Array(images.data.length);
  for (let i = 0; i < count; i++) {
    const other = images.data.subarray(i * size, (i + 1) * size);
    const drawing = { layout, statistics, other, source: random(13, i + 1) };
    drawReference(['tiles'], values.subarray(i * size, (i + 1) * size), other, drawing);
  }
  return float32(images.shape, values);
}

/** How many calibration images a reference leaves near chance. */
export interface Tested {
  readonly reference: JudgeReference;
  readonly passing: number;
}

/**
 * Tests every candidate on the calibration images, the most passing first; where as many pass, the earlier candidate.
 * Neither explanations nor held-out images have a part in it.
 */
export async function testedReferences(subject: Subject): Promise<Tested[]> {
  const { calibration, input } = subject;
  const own = await probabilities(subject, calibration);
  const tested: Tested[] = [];
  for (const reference of await candidates(subject)) {
    const images = own.map((row, i) => {
      const x = imageAt(calibration, i);
      return resolveBaseline(x, reference.of(x, row.indexOf(Math.max(...row)), i), layout) as Tensor<'float32'>;
    });
    const absent = await probabilities(subject, concatRows(images) as Tensor<'float32'>);
    const passing = own.filter((row, i) => {
      const chance = 1 / row.length;
      return absent[i][row.indexOf(Math.max(...row))] <= chance + defaultTolerance * (1 - chance);
    }).length;
    tested.push({ reference, passing });
  }
  if (tested.length === 0) throw new Error(`no reference for "${input}"`);
  return tested.sort((a, b) => b.passing - a.passing);
}
