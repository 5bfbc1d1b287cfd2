import { denseGradients } from '../../src/influence/dense-gradients.ts';
import type { Block, GradientLabels, GradientMaterial } from '../../src/influence/gradient-material.ts';
import { dot, type Matrix64, zeros } from '../../src/influence/matrix.ts';

/** A number that is added to what a block gives at one of its applications: for derivatives with respect to it. */
interface Shift {
  readonly block: number;
  readonly application: number;
  readonly output: number;
  readonly by: number;
}

/** Applies a block's weights to inputs (its bias's 1 is added) and says which of the outputs count. */
export type Apply = (block: number, inputs: ArrayLike<number>) => Float64Array;

/** A network written down in float64: layers are blocks that are applied, once or at several positions. */
export interface ReferenceNetwork {
  readonly shapes: readonly {
    readonly name: string;
    readonly rows: number;
    readonly columns: number;
    readonly bias: boolean;
  }[];
  readonly logits: (x: ArrayLike<number>, apply: Apply) => Float64Array;
}

const step = 1e-5;

/** Gradients of a reference network by central differences in float64, and what curvature needs; labels drawn as given. */
export function referenceGradients(
  { shapes, logits }: ReferenceNetwork,
  theta: Float64Array,
  rows: { readonly x: readonly ArrayLike<number>[]; readonly y: ArrayLike<number> },
  queries: { readonly x: readonly ArrayLike<number>[]; readonly y: ArrayLike<number> },
  sampled: ArrayLike<number>,
): GradientMaterial {
  const blocks: Block[] = [];
  let size = 0;
  for (const { name, rows: r, columns } of shapes) {
    blocks.push({ name, rows: r, columns, offset: size });
    size += r * columns;
  }
  const run = (
    at: Float64Array,
    x: ArrayLike<number>,
    shift?: Shift,
    record?: (block: number, inputs: Float64Array) => void,
  ) => {
    const applied = new Uint32Array(blocks.length);
    return logits(x, (b, given) => {
      const { rows: r, columns, offset } = blocks[b];
      const inputs = shapes[b].bias ? Float64Array.from([...Array.from(given), 1]) : Float64Array.from(given);
      record?.(b, inputs);
      const result = Float64Array.from({ length: r }, (_, o) =>
        dot(inputs, at.subarray(offset + o * columns, offset + (o + 1) * columns)),
      );
      if (shift?.block === b && shift.application === applied[b]) result[shift.output] += shift.by;
      applied[b]++;
      return result;
    });
  };
  const softmax = (z: Float64Array) => {
    const most = z.reduce((a, b) => Math.max(a, b));
    const sum = z.reduce((all, value) => all + Math.exp(value - most), 0);
    return z.map((value) => Math.exp(value - most) / sum);
  };
  const loss = (z: Float64Array, label: number) => -Math.log(softmax(z)[label]);
  const gradientOf = (x: ArrayLike<number>, of: (z: Float64Array) => number) => {
    const result = new Float64Array(size);
    for (let p = 0; p < size; p++) {
      const [up, down] = [theta.slice(), theta.slice()];
      up[p] += step;
      down[p] -= step;
      result[p] = (of(run(up, x)) - of(run(down, x))) / (2 * step);
    }
    return result;
  };
  const all = (of: typeof rows, labels: ArrayLike<number>, sign: number): Matrix64 => {
    const result = zeros(of.x.length, size);
    for (const [i, x] of of.x.entries())
      result.data.set(
        gradientOf(x, (z) => sign * loss(z, labels[i])),
        i * size,
      );
    return result;
  };
  const labelsOf = (labels: GradientLabels) => (labels === 'given' ? rows.y : sampled);
  const confidence = (of: typeof rows) => Float64Array.from(of.x, (x, i) => softmax(run(theta, x))[of.y[i]]);
  const n = rows.x.length;
  return denseGradients({
    blocks,
    weightDecay: 0,
    rows: all(rows, rows.y, 1),
    queries: all(queries, queries.y, -1),
    sampled: () => all(rows, sampled, 1),
    covariances: (labels) =>
      blocks.map(({ rows: r, columns }, b) => {
        const [inputs, outputs] = [new Float64Array(columns * columns), new Float64Array(r * r)];
        for (const [i, x] of rows.x.entries()) {
          const seen: Float64Array[] = [];
          run(theta, x, undefined, (block, a) => {
            if (block === b) seen.push(a);
          });
          for (const [application, a] of seen.entries()) {
            const s = Float64Array.from({ length: r }, (_, output) => {
              const [up, down] = [1, -1].map((sign) =>
                loss(run(theta, x, { block: b, application, output, by: sign * step }), labelsOf(labels)[i]),
              );
              return (up - down) / (2 * step);
            });
            for (let j = 0; j < columns * columns; j++) inputs[j] += (a[Math.floor(j / columns)] * a[j % columns]) / n;
            for (let j = 0; j < r * r; j++) outputs[j] += (s[Math.floor(j / r)] * s[j % r]) / n / seen.length;
          }
        }
        return { inputs, outputs };
      }),
    gaussNewton: () => {
      const result = new Float64Array(size * size);
      for (const x of rows.x) {
        const p = softmax(run(theta, x));
        for (let k = 0; k < p.length; k++) {
          const g = gradientOf(x, (z) => Math.log(softmax(z)[k]));
          for (let i = 0; i < size; i++)
            for (let j = 0; j < size; j++) result[i * size + j] += (p[k] * g[i] * g[j]) / n;
        }
      }
      return result;
    },
    confidences: { rows: confidence(rows), queries: confidence(queries) },
    weights: theta,
    at: (by) => {
      const moved = theta.map((value, t) => value + by[t]);
      return Float64Array.from(queries.x, (x, i) => -loss(run(moved, x), queries.y[i]));
    },
  });
}
