import { toFloat32 } from '../tensor/convert.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type Explained, storedTensor } from './explained.ts';

/** One part of an input (a column, a token, a position) and its share of the difference. */
export interface FeatureShare {
  readonly name: string;
  /** Its value as a person wrote it. */
  readonly text?: string;
  readonly share: number;
}

export interface Features {
  /** sequence: parts in order, as of a text. set: parts without one, as the columns of a table. */
  readonly kind: 'sequence' | 'set';
  /** Add up to ΣA. */
  readonly shares: readonly FeatureShare[];
  readonly notes: readonly string[];
}

/** An attribution that lies over no picture, added up to one number for each feature, token or position. */
export function featuresOf(explained: Explained): Features {
  const { document } = explained;
  const values = Object.entries(document.attribution);
  const notes: string[] = [];
  let kind: Features['kind'] = 'set';
  const shares = values.flatMap(([layer, { key }]) => {
    const t = toFloat32(storedTensor(explained, key));
    const { axis, sequence, note } = explainedAxis(explained, layer, t);
    if (note) notes.push(note);
    if (sequence) kind = 'sequence';
    const sums = sumsAlong(t, axis);
    const names = document.input.names?.length === sums.length ? document.input.names : undefined;
    const texts = names && document.input.texts?.length === sums.length ? document.input.texts : undefined;
    const prefix = values.length > 1 ? `${layer} ` : '';
    return Array.from(
      sums,
      (share, i): FeatureShare => ({ name: `${prefix}${names?.[i] ?? i}`, text: texts?.[i], share }),
    );
  });
  return { kind, shares, notes };
}

/** The axis whose places are shown: the one that names count, else the positions of a sequence, else the features of a row. */
function explainedAxis(
  { document }: Explained,
  layer: string,
  { shape }: Tensor,
): { axis: number | undefined; sequence: boolean; note?: string } {
  const { names, layout, tensors } = document.input;
  const ids = document.explained.some((name) => tensors[name]?.type === 'int64');
  const inner = shape.map((_, axis) => axis).slice(shape.length > 1 ? 1 : 0);
  const positions = layout.spatialAxes?.length === 1 ? layout.spatialAxes[0] : undefined;
  const sequence = ids || positions !== undefined;
  const named = names && inner.find((axis) => shape[axis] === names.length);
  if (named !== undefined) return { axis: named, sequence };
  if (document.explained.includes(layer) && positions !== undefined) return { axis: positions, sequence };
  const length = ids ? Object.values(tensors).find(({ type }) => type === 'int64')?.shape[1] : undefined;
  const counted = length === undefined ? undefined : inner.find((axis) => shape[axis] === length);
  if (counted !== undefined) return { axis: counted, sequence };
  if (inner.length <= 1) return { axis: inner[0], sequence };
  // Convolutions put channels first, everything else puts features last.
  const axis = positions !== undefined && layout.channelAxis === 1 ? 2 : 1;
  return {
    axis,
    sequence: true,
    note: `layer "${layer}": its ${shape[axis]} positions are shown, added up over the other axes`,
  };
}

function sumsAlong({ shape, data }: Tensor<'float32'>, axis: number | undefined): Float64Array {
  if (axis === undefined) return Float64Array.of(data.reduce((sum, value) => sum + value, 0));
  const stride = sizeOf(shape.slice(axis + 1));
  const sums = new Float64Array(shape[axis]);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / stride) % shape[axis]] += data[i];
  return sums;
}
