import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type Box, boxInCell, centredBox, gridCells, intersectionOverUnion } from '../detector-grid.ts';
import type { Target } from '../targets/kinds/index.ts';
import { imageInput, maskBudget } from './mask-budget.ts';
import { type Method, sumOf } from './method.ts';
import { maskParameters } from './rise.ts';
import { triesOf } from './sureness.ts';

const parameters = z.extend(maskParameters, {
  boxes: z
    ._default(z.enum(['grid', 'centre', 'corners']), 'grid')
    .check(
      z.describe(
        'How the first four numbers of a row are a box. grid: centre and size relative to a grid of these strides, size as its logarithm (YOLOX); centre: centre and size; corners: two corners',
      ),
    ),
  strides: z._default(z.array(z.int().check(z.minimum(1))).check(z.minLength(1)), [8, 16, 32]),
});

export type DetectionRiseParameters = z.infer<typeof parameters>;

/**
 * RISE for one detection: a mask counts as much as the best detection on the masked image resembles the one that is
 * explained, `IoU · cos(classes) · objectness`.
 */
export const detectionRise: Method<DetectionRiseParameters> = {
  title: 'D-RISE',
  source: 'Petsiuk et al. 2021, "Black-box Explanation of Object Detectors via Saliency Maps", arXiv 2006.03204',
  formula: 'A_i = Σ_k max_j IoU(b, b_jk) · cos(c, c_jk) · o_jk · M_k(i) / (N p)',
  needs: 'outputs',
  layers: 'input',
  baseline: 'required',
  usesGroups: true,
  implicitBaseline: undefined,
  meaning: { kind: 'score', what: 'a mean similarity', isMean: true },
  completeness: 'none',
  zeroDifference: false,
  parameters: parameters as unknown as z.core.$ZodType<DetectionRiseParameters>,
  cost: ({ samples, ...sure }) => ({
    forward: (triesOf(maskBudget(sure), samples).at(-1) as number) + 1,
    backward: 0,
  }),
  check(options, conditions) {
    anchorOf(conditions.target);
    const image = imageInput(conditions);
    decoder(options, image.rows, image.columns).check(conditions.output);
  },
  async run(context, options) {
    const { target, prepared, layer } = context;
    const anchor = anchorOf(target);
    const image = imageInput(context);
    const { output } = prepared.target;
    const { decode } = decoder(options, image.rows, image.columns);
    const { values: here } = await prepared.evaluate({ cut: layer, count: 1, at: () => context.features }, [output]);
    const original = decode(here.get(output) as Tensor<'float32'>, 0);
    const wanted = original(anchor);
    const { sampledMasks } = await import('./masks.ts');
    const { weights, ...result } = await sampledMasks(context, options, async (points) => {
      const found = new Float64Array(points.count);
      await prepared.evaluate(points, [output], (start, count, values) => {
        const rows = values.get(output) as Tensor<'float32'>;
        for (let k = 0; k < count; k++) found[start + k] = similarity(wanted, decode(rows, k), rows.shape[1]);
      });
      return found;
    });
    return { ...result, chosen: { ...result.chosen, meanResemblance: sumOf([weights]) / weights.length } };
  },
};

/** One row of a detector's grid: a box by its corners, its objectness and its class scores. */
interface Detection {
  readonly box: Box;
  readonly objectness: number;
  readonly classes: Float32Array;
}

type Decode = (grid: Tensor<'float32'>, batch: number) => (anchor: number) => Detection;

/** The row of the detector's grid that is explained. */
function anchorOf(target: Target): number {
  if ('anchor' in target) return target.anchor;
  throw new WhereforeError('invalid-argument', 'D-RISE explains a detection', {
    got: target.kind,
    expected: 'detectionScore or boxCoordinate',
    fix: 'use --method rise',
  });
}

function decoder({ boxes, strides }: DetectionRiseParameters, rows: number, columns: number) {
  const cells = gridCells(strides, [rows, columns]);
  const check = ([, anchors]: readonly number[]) => {
    if (boxes !== 'grid' || cells.length === anchors) return;
    throw new WhereforeError('wrong-shape', 'the strides do not fit the detector', {
      got: `${cells.length} cells for strides ${strides.join(', ')}`,
      expected: `${anchors} rows`,
      fix: 'set the strides, or say that boxes are given as centre or corners',
    });
  };
  const decode: Decode = ({ shape, data }, batch) => {
    check(shape);
    const [, anchors, width] = shape;
    return (anchor) => {
      const row = data.subarray((batch * anchors + anchor) * width, (batch * anchors + anchor + 1) * width);
      const [a, b, c, d] = row;
      const box =
        boxes === 'grid'
          ? boxInCell(cells[anchor], row)
          : boxes === 'centre'
            ? centredBox([a, b, c, d])
            : ([a, b, c, d] as const);
      return { box, objectness: row[4], classes: row.subarray(5) };
    };
  };
  return { check, decode };
}

/** The largest similarity of any row to the wanted detection. */
function similarity(wanted: Detection, at: (anchor: number) => Detection, anchors: number): number {
  let best = 0;
  for (let anchor = 0; anchor < anchors; anchor++) {
    const found = at(anchor);
    const overlap = intersectionOverUnion(wanted.box, found.box);
    // The cosine is at most 1: rows that cannot win need no dot product.
    if (overlap * found.objectness <= best) continue;
    best = Math.max(best, overlap * found.objectness * cosine(wanted.classes, found.classes));
  }
  return best;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] ** 2;
    bb += b[i] ** 2;
  }
  return aa > 0 && bb > 0 ? dot / Math.sqrt(aa * bb) : 0;
}
