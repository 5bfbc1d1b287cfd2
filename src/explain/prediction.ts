import { type Detection, distinctObjects } from '../attribution/targets/distinct-objects.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import { regionOf } from '../attribution/targets/region.ts';
import { scaleOf } from '../attribution/targets/scale.ts';
import { hasBatchAxis } from '../attribution/targets/target-source.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { toNumbers } from '../tensor/convert.ts';
import { formatShape, type Tensor } from '../tensor/tensor.ts';
import { boxReader } from './boxes.ts';
import { classReading, isLanguage, probabilitiesOf, softmax, statedReading } from './class-reading.ts';
import type { ExplanationDocument } from './document.ts';
import { tokenLabels } from './token-labels.ts';

/** What a model said of one input, and the target that explains it. */
export interface Prediction {
  readonly summary: NonNullable<ExplanationDocument['prediction']>;
  /** The most natural thing to explain: the predicted class, the strongest detection, the next token, the value. */
  readonly target: Target;
  /** Rows of a detector's grid, the strongest first. */
  readonly detections?: readonly Detection[];
  /** The most probable class of each position of a segmentation. */
  readonly segmentation?: { readonly size: readonly [number, number]; readonly classes: Uint32Array };
  /** The most probable class of the tokens that a model for token classification was read at, by their position. */
  readonly tokenClasses?: ReadonlyMap<number, number>;
  /** Why that is the target, where there are many alike. */
  readonly chosen?: string;
}

const shown = 5;

export interface PredictOptions {
  /** The output to read. Default: that of the detector, else the first of floats. */
  readonly output?: string;
  /** What the tokens of a language model are, by id. */
  readonly vocabulary?: readonly string[];
  /** The words of the input, where it is a text. */
  readonly words?: ModelInput['groups'];
}

/**
 * Runs a model on one input and reads its first output as its task says.
 * Classes are shown with their probabilities: of scores their softmax, or the sigmoid of one number that tells two
 * classes apart.
 * @param labels names of the classes, by index
 */
export async function predict(
  model: Model,
  inputs: Tensors,
  preprocessing: Preprocessing,
  labels: readonly string[] | undefined,
  { output: wanted, vocabulary, words }: PredictOptions = {},
): Promise<Prediction> {
  const { graph, facts } = await model.executor.specialise(model.graph, inputs);
  const names = graph.outputs.map(({ name }) => name);
  const output =
    wanted ??
    preprocessing.detection?.output ??
    names.find((name) => facts.types.get(name) === 'float32' && facts.shapes.has(name));
  if (!output || !names.includes(output)) {
    throw new WhereforeError(
      'unknown-name',
      wanted ? `the model has no output "${wanted}"` : 'the model has no output of floats to explain',
      {
        got: names.map((name) => `"${name}" ${facts.types.get(name) ?? 'a sequence or map'}`).join(', '),
        fix: wanted ? 'name one of these' : 'export the model so that it gives its scores as a tensor',
      },
    );
  }
  const values = withBatch((await model.executor.run(graph, inputs, [output])).get(output) as Tensor);
  if (preprocessing.task === 'detection' || preprocessing.detection) {
    return detection(output, values, labels, preprocessing.detection?.strides ?? [], gridOf(inputs));
  }
  const numbers = toNumbers(values);
  const isGrid = values.shape.length === 4 && values.shape[1] > 1 && values.shape[2] * values.shape[3] > 1;
  if (isGrid) return segmentation(output, values.shape, numbers, labels);
  if (preprocessing.task === 'token-classification' && values.shape.length === 3)
    return tokenLabels({ output, shape: values.shape, scores: numbers, labels, inputs, preprocessing, words });
  if (isLanguage(preprocessing, output, values.shape)) return nextToken(output, values.shape, numbers, vocabulary);
  const reading = classReading(model.graph, preprocessing, output, { count: numbers.length, labels });
  if (!reading) {
    const top = numbers.slice(0, shown).map((value, index) => entry(index, value, labels));
    return {
      summary: { output, kind: 'value', top },
      target: { kind: 'output', output, index: values.shape.slice(1).map(() => 0) },
    };
  }
  const probabilities = probabilitiesOf(numbers, reading);
  // Classifiers of scikit-learn and ensembles of trees give probabilities, whatever lowering makes of them; and of a row
  // of a table a person asks how probable, not how large a logit is.
  const inProbabilities =
    reading.scale === 'probabilities' ||
    scaleOf(model.source.graph, output) === 'probabilities' ||
    Object.values(preprocessing.inputs).some((input) => input.kind === 'table');
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]);
  return {
    summary: {
      output,
      kind: 'probability',
      top: order.slice(0, shown).map((index) => entry(index, probabilities[index], labels)),
    },
    target: {
      kind: inProbabilities ? 'classProbability' : 'classLogit',
      output,
      class: order[0],
      ...statedReading(reading),
    },
  };
}

function withBatch(values: Tensor): Tensor {
  return hasBatchAxis(values.shape) ? values : { ...values, shape: [1, ...values.shape] };
}

function entry(index: number, value: number, labels: readonly string[] | undefined) {
  return { index, label: labels?.[index], value };
}

/** Scores [1, class, row, column]: the share of the positions where each class is the most probable. */
function segmentation(
  output: string,
  [, count, height, width]: readonly number[],
  scores: readonly number[],
  labels: readonly string[] | undefined,
): Prediction {
  const positions = height * width;
  const classes = new Uint32Array(positions);
  const areas = new Float64Array(count);
  for (let place = 0; place < positions; place++) {
    for (let c = 1; c < count; c++) {
      if (scores[c * positions + place] > scores[classes[place] * positions + place]) classes[place] = c;
    }
    areas[classes[place]] += 1 / positions;
  }
  const order = Array.from(areas.keys()).sort((a, b) => areas[b] - areas[a]);
  const size: [number, number] = [height, width];
  const inside = (row: number, column: number) => classes[row * width + column] === order[0];
  return {
    summary: {
      output,
      kind: 'area',
      top: order
        .filter((c) => areas[c] > 0)
        .slice(0, shown)
        .map((c) => entry(c, areas[c], labels)),
    },
    target: { kind: 'region', output, class: order[0], region: regionOf(size, inside), reduce: 'mean' },
    segmentation: { size, classes },
  };
}

/** The strongest rows of a raw grid [1, anchor, 4 + 1 + classes]: objectness × class score. */
function detection(
  output: string,
  { shape, ...rest }: Tensor,
  labels: readonly string[] | undefined,
  strides: readonly number[],
  grid: readonly [number, number] | undefined,
): Prediction {
  const [, anchors, columns] = shape;
  if (shape.length !== 3 || columns < 6) {
    throw new WhereforeError('wrong-shape', `output "${output}" is no grid of detections`, {
      got: formatShape(shape),
      expected: '1 × anchors × (4 + 1 + classes)',
    });
  }
  const values = toNumbers({ shape, ...rest });
  const boxAt = grid && boxReader(strides, grid, anchors);
  const found = Array.from({ length: anchors }, (_, anchor): Detection => {
    const row = anchor * columns;
    let best = 0;
    for (let c = 1; c < columns - 5; c++) if (values[row + 5 + c] > values[row + 5 + best]) best = c;
    const box = boxAt?.(anchor, values.slice(row, row + 4));
    return { anchor, class: best, score: values[row + 4] * values[row + 5 + best], box };
  }).sort((a, b) => b.score - a.score);
  const [first] = found;
  // Neighbouring anchors see the same object, which is shown once.
  const distinct = distinctObjects(found).slice(0, shown);
  return {
    summary: {
      output,
      kind: 'detection',
      top: distinct.map((row) => ({
        ...entry(row.class, row.score, labels),
        anchor: row.anchor,
        box: row.box && ([...row.box] as [number, number, number, number]),
      })),
    },
    target: { kind: 'detectionScore', output, anchor: first.anchor, class: first.class },
    detections: found,
  };
}

/** Rows and columns of the image among the inputs. */
function gridOf(inputs: Tensors): readonly [number, number] | undefined {
  const shape = [...inputs.values()].find((input) => input.shape.length === 4)?.shape;
  if (!shape) return undefined;
  return shape[3] <= 4 ? [shape[1], shape[2]] : [shape[2], shape[3]];
}

function nextToken(
  output: string,
  shape: readonly number[],
  scores: readonly number[],
  vocabulary: readonly string[] | undefined,
): Prediction {
  const size = shape.at(-1) as number;
  const position = (shape.at(-2) as number) - 1;
  const probabilities = softmax(scores.slice(position * size, (position + 1) * size));
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]);
  return {
    summary: {
      output,
      kind: 'token',
      top: order.slice(0, shown).map((index) => entry(index, probabilities[index], vocabulary)),
    },
    target: { kind: 'tokenLogProbability', output, position, id: order[0] },
  };
}
