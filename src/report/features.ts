import { toFloat32 } from '../tensor/convert.ts';
import { sameShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type Explained, storedTensor } from './explained.ts';

/** One part of an input (a column, a token, a position) and its share of the difference. */
export interface FeatureShare {
  readonly name: string;
  /** Its value as a person wrote it. */
  readonly text?: string;
  /** What stands there at the baseline. */
  readonly baseline?: string;
  readonly share: number;
  /** It is called by its place alone. */
  readonly unnamed?: boolean;
  /** Not written by a person: a mark of a text's beginning or end. */
  readonly special?: boolean;
  /** What it is made of: the tokens of a word. */
  readonly parts?: readonly FeatureShare[];
}

/** A channel of a signal, place by place. */
export interface Channel {
  readonly values: readonly number[];
  /** Its own shares, where the attribution tells channels apart. */
  readonly shares?: readonly number[];
}

export interface Features {
  /** sequence: parts in order, as of a text. set: parts without one, as the columns of a table. */
  readonly kind: 'sequence' | 'set';
  /** The channels of the input, where it is a signal. */
  readonly signal?: readonly Channel[];
  /** Add up to ΣA. */
  readonly shares: readonly FeatureShare[];
  readonly notes: readonly string[];
}

/** An attribution that lies over no picture, added up to one number for each feature, token or position. */
export function featuresOf(explained: Explained): Features {
  const { document } = explained;
  const values = Object.entries(document.attribution);
  const { groups } = document.input;
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
    const single = Array.from(
      sums,
      (share, i): FeatureShare =>
        names
          ? { name: `${prefix}${names[i]}`, text: texts?.[i], share }
          : { name: `${prefix}${sequence ? 'position' : 'feature'} ${i}`, share, unnamed: true },
    );
    return groups && groups.of.length === sums.length ? grouped(groups, single, prefix) : single;
  });
  return { kind, shares, notes, signal: signalOf(explained, shares.length) };
}

/** Features that are one thing to a person, added up: the columns of a table, the words of a text. */
function grouped(
  groups: NonNullable<Explained['document']['input']['groups']>,
  single: readonly FeatureShare[],
  prefix: string,
): FeatureShare[] {
  return groups.names.map((name, group): FeatureShare => {
    const parts = single.filter((_, i) => groups.of[i] === group);
    const share = parts.reduce((sum, part) => sum + part.share, 0);
    if (groups.kind === 'words') {
      const special = groups.special?.includes(group) || undefined;
      return { name: `${prefix}${groups.texts[group]}`, share, special, parts: parts.length > 1 ? parts : undefined };
    }
    return { name: `${prefix}${name}`, text: groups.texts[group], baseline: groups.baseline?.[group], share };
  });
}

/** Fewest places that are drawn as a line. */
const shortestSignal = 24;

/** The numbers of an input with one axis of places, channel by channel; undefined where it is something else. */
function signalOf({ document, tensors }: Explained, places: number): Channel[] | undefined {
  const { layout, names, groups } = document.input;
  if (document.explained.length !== 1 || places < shortestSignal || names || groups) return undefined;
  const stored = document.input.tensors[document.explained[0]];
  const tensor = stored && tensors.get(stored.key);
  if (!tensor || tensor.type === 'int64' || tensor.type === 'string') return undefined;
  const inner = tensor.shape.slice(1);
  const axis = layout.spatialAxes?.length === 1 ? layout.spatialAxes[0] - 1 : inner.length === 1 ? 0 : undefined;
  if (axis === undefined || inner[axis] !== places) return undefined;
  const stride = sizeOf(inner.slice(axis + 1));
  const count = sizeOf(inner) / places;
  const channelOf = ({ data }: Tensor<'float32'>, channel: number) => {
    const start = Math.floor(channel / stride) * stride * places + (channel % stride);
    return Array.from({ length: places }, (_, i) => data[start + i * stride]);
  };
  const values = toFloat32(tensor);
  const own = document.attribution[document.explained[0]];
  const told = count > 1 && own && sameShape(own.shape, tensor.shape) ? tensors.get(own.key) : undefined;
  const shares = told && toFloat32(told);
  return Array.from({ length: count }, (_, channel) => ({
    values: channelOf(values, channel),
    shares: shares && channelOf(shares, channel),
  }));
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
