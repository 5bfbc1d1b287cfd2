import * as z from 'zod/mini';
import { attribute } from '../../src/attribution/attribute.ts';
import type { Baseline } from '../../src/attribution/baseline.ts';
import { type MethodName, methods } from '../../src/attribution/methods/index.ts';
import type { Target } from '../../src/attribution/targets/kinds/index.ts';
import { type AttributionMap, mapOf } from '../../src/evaluation/map.ts';
import { type MetricName, metrics as metricTable } from '../../src/evaluation/metrics/index.ts';
import { ask, type Question } from '../../src/evaluation/question.ts';
import { testReference } from '../../src/evaluation/reference-test.ts';
import { bootstrap, type Interval } from '../../src/evaluation/statistics.ts';
import type { Explainer } from '../../src/explainer/index.ts';
import { random } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { imageAt, type JudgeReference, probabilities } from './references.ts';
import type { Subject } from './subjects.ts';

/** What maps are judged by: a metric, and whether regions of pixels are moved together rather than single ones. */
export interface Judged {
  readonly key: string;
  readonly metric: MetricName;
  readonly regions: boolean;
}

export const judged: readonly Judged[] = [
  { key: 'msi-literal', metric: 'msi-literal', regions: false },
  { key: 'msi-tolerant', metric: 'msi-tolerant', regions: false },
  { key: 'insertion', metric: 'insertion', regions: false },
  { key: 'deletion', metric: 'deletion', regions: false },
  { key: 'insertion of regions', metric: 'insertion', regions: true },
  { key: 'deletion of regions', metric: 'deletion', regions: true },
];

/** Parameters that keep a method within seconds an image; the rest are the methods' own defaults. */
const parameters: Partial<Record<MethodName, Record<string, unknown>>> = {
  rise: { samples: 500 },
  lime: { samples: 500 },
  'kernel-shap': { samples: 500 },
  'shapley-sampling': { pairs: 10 },
  'expected-gradients': { samples: 64 },
  'smooth-grad': { samples: 20 },
  'var-grad': { samples: 20 },
};

/** What the other methods compare with: as for the explainer, not the reference that they are judged with. */
const explained: Baseline = { kind: 'mean' };

/** Expected gradients compare with images of the data by their definition. */
const expected = ({ input, pool }: Subject): Baseline => ({
  kind: 'sample',
  tensors: new Map([[input, pool]]),
  description: `${pool.shape[0]} training images`,
});

/** Methods of the table that do not explain a class of an image, or cannot at this size, each with its reason. */
export const leftOut: Partial<Record<MethodName, string>> = {
  'd-rise': 'explains detections',
  'exact-shapley': 'needs at most some twenty features',
};

export interface Row {
  readonly method: string;
  readonly scores: ReadonlyMap<string, Interval>;
  /** Scores image by image, in one order for all methods. */
  readonly each: ReadonlyMap<string, readonly number[]>;
  readonly seconds: number;
}

/** What a comparison found: a row a method, and how many references pass the test. */
export interface Found {
  readonly rows: readonly Row[];
  readonly failed: ReadonlyMap<string, string>;
  readonly passing: number;
  /** How many images were explained, and what removed pixels were replaced by. */
  readonly images: number;
  readonly kind: ImageKind;
  readonly reference: string;
}

/** Settings are chosen on calibration images; only held-out ones are reported. */
type ImageKind = 'calibration' | 'held-out';

export interface Comparing {
  readonly kind: ImageKind;
  /** What explanations are judged with, each in its own right. */
  readonly references: readonly JudgeReference[];
  /** Images to explain, `[N, C, H, W]`. */
  readonly images: Tensor<'float32'>;
  /** Methods; default all. */
  readonly wanted?: readonly string[];
  readonly say: (text: string) => void;
}

/** Scores the explainer, every method of the table and a control on images, once for every reference. */
export async function compare(
  subject: Subject,
  explainer: Explainer,
  { kind, references, images, wanted, say }: Comparing,
): Promise<Found[]> {
  const { model, input } = subject;
  const asked: Asked[] = [];
  for (const reference of references) {
    const questions = await questionsOf(subject, reference, images);
    let passing = 0;
    for (const question of questions) if ((await testReference(question))?.passes) passing++;
    asked.push({ reference, questions, passing, rows: [] });
  }
  const layout = { channelAxis: 1, spatialAxes: [2, 3] };
  const explain = async (method: MethodName, question: Question): Promise<AttributionMap> => {
    const attribution = await attribute(model, {
      inputs: question.inputs,
      target: question.target,
      baseline: method === 'expected-gradients' ? expected(subject) : explained,
      layout,
      method,
      parameters: parameters[method] ?? {},
      ...(methods[method].layers === 'spatial' && { layer: { names: [subject.spatialLayer] } }),
    });
    return mapOf(attribution.values, question.groups, layout);
  };
  const plane = images.shape[2] * images.shape[3];
  const noise = (i: number): AttributionMap => {
    const source = random(9, i + 1);
    return { values: Float64Array.from({ length: plane }, () => source.uniform()) };
  };
  const lax = async (question: Question): Promise<AttributionMap> => {
    const mask = await explainer.masks(question.inputs.get(input) as Tensor, [classOf(question.target)]);
    return { values: Float64Array.from(mask.data), absolute: true };
  };
  const all = new Map<string, (question: Question, i: number) => Promise<AttributionMap>>([
    ['lax', lax],
    ...(Object.keys(methods) as MethodName[])
      .filter((name) => name !== 'lax' && !leftOut[name])
      .map((name) => [name, (question: Question) => explain(name, question)] as const),
    ['random', async (_, i) => noise(i)],
  ]);
  const failed = new Map<string, string>();
  for (const [method, run] of all) {
    if (wanted && !wanted.includes(method)) continue;
    try {
      await score(method, asked, run);
      for (const { reference, rows } of asked) {
        const { scores } = rows.at(-1) as Row;
        const found = judged.map(({ key }) => `${key} ${scores.get(key)?.mean.toFixed(3)}`);
        say(`${method} (${reference.title.split(',')[0]}): ${found.join(', ')}`);
      }
    } catch (error) {
      failed.set(method, (error as Error).message);
      say(`${method} failed: ${(error as Error).message}`);
    }
  }
  return asked.map(({ reference, questions, passing, rows }) => ({
    rows,
    failed,
    passing,
    images: questions.length,
    kind,
    reference: reference.title,
  }));
}

/** The images to explain as one reference judges them, and what was found. */
interface Asked {
  readonly reference: JudgeReference;
  readonly questions: readonly Question[];
  readonly passing: number;
  readonly rows: Row[];
}

async function questionsOf(
  subject: Subject,
  reference: JudgeReference,
  images: Tensor<'float32'>,
): Promise<Question[]> {
  const { model, input } = subject;
  const questions: Question[] = [];
  for (const [i, row] of (await probabilities(subject, images)).entries()) {
    const x = imageAt(images, i);
    const label = row.indexOf(Math.max(...row));
    questions.push(
      await ask(model, {
        inputs: new Map([[input, x]]),
        target: { kind: 'classLogit', class: label },
        reference: reference.of(x, label, i),
        layout: { channelAxis: 1, spatialAxes: [2, 3] },
        seed: i,
      }),
    );
  }
  return questions;
}

/** Explains every image once and adds a row for every reference. */
async function score(
  method: string,
  asked: readonly Asked[],
  run: (question: Question, i: number) => Promise<AttributionMap>,
): Promise<void> {
  const scores = asked.map(() => new Map<string, number[]>(judged.map(({ key }) => [key, []])));
  const [{ questions }] = asked;
  let seconds = 0;
  for (const [i, question] of questions.entries()) {
    const started = performance.now();
    const map = await run(question, i);
    seconds += (performance.now() - started) / 1000;
    const coarse = overRegions(map, question.groups.shape);
    for (const [at, other] of asked.entries()) {
      for (const { key, metric: name, regions } of judged) {
        const metric = metricTable[name];
        const explained = { map: regions ? coarse : map };
        const { score: value } = await metric.run(other.questions[i], explained, z.parse(metric.parameters, {}));
        scores[at].get(key)?.push(value);
      }
    }
  }
  for (const [at, { rows }] of asked.entries()) {
    const intervals = [...scores[at]].map(([name, values]) => [name, bootstrap(values, { seed: 1 })] as const);
    rows.push({ method, seconds: seconds / questions.length, scores: new Map(intervals), each: scores[at] });
  }
}

/**
 * Every pixel at the mean of its region, a seventh of the sides: pixels of one region follow each other in every order
 * (region perturbation, Samek et al. 2017). Scattered single pixels, which disturb a convolution more than the loss of
 * what they show, gain nothing by it.
 */
function overRegions({ values }: AttributionMap, [height, width]: readonly number[]): AttributionMap {
  const side = Math.max(2, Math.round(height / 7));
  const columns = Math.ceil(width / side);
  const regionOf = (i: number) => Math.floor(Math.floor(i / width) / side) * columns + Math.floor((i % width) / side);
  const sums = new Float64Array(columns * Math.ceil(height / side));
  const counts = new Float64Array(sums.length);
  values.forEach((value, i) => {
    sums[regionOf(i)] += value;
    counts[regionOf(i)]++;
  });
  return { values: values.map((_, i) => sums[regionOf(i)] / counts[regionOf(i)]) };
}

const classOf = (target: Target) => (target.kind === 'classLogit' ? target.class : 0);
