import { partition } from '../attribution/groups.ts';
import { describedInput } from '../explain/described-input.ts';
import { type Explained, storedTensor } from '../explain/explained.ts';
import { groupsOfDocument } from '../explain/given-groups.ts';
import { isMean } from '../explain/meaning.ts';
import { toFloat32 } from '../tensor/convert.ts';
import { sameShape, sizeOf, type Tensor } from '../tensor/tensor.ts';

/** One part of an input (a column, a token, a position) and its share of the difference. */
export interface FeatureShare {
  readonly name: string;
  /** Its value as a person wrote it. */
  readonly text?: string;
  /** What stands there at the baseline. */
  readonly baseline?: string;
  readonly share: number;
  /** It is called by its position alone. */
  readonly unnamed?: boolean;
  /** Not written by a person: a mark of a text's beginning or end. */
  readonly special?: boolean;
  /** What it is made of: the tokens of a word. */
  readonly parts?: readonly FeatureShare[];
}

/** A channel of a signal, position by position. */
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
  /** What a position along the axis of a signal is called; undefined where the axis has no name. */
  readonly positionName?: string;
  /** Positions a second, where the signal is a recording. */
  readonly rate?: number;
  /** What the signal's other axis counts: `channel`, unless somebody named it. */
  readonly channelName?: string;
  /** Add up to ΣA. */
  readonly shares: readonly FeatureShare[];
  readonly notes: readonly string[];
}

/**
 * An attribution that lies over no image, added up to one number for each feature, token or position.
 * @param layers The values of the layer that are wanted; default all of them.
 */
export function featuresOf(explained: Explained, layers = Object.keys(explained.document.attribution)): Features {
  const { document } = explained;
  const { groups } = document.input;
  const several = Object.keys(document.attribution).length > 1;
  const notes: string[] = [];
  let kind: Features['kind'] = 'set';
  let positionName: string | undefined;
  let channelName: string | undefined;
  const shares = layers.flatMap((layer) => {
    const t = toFloat32(storedTensor(explained, document.attribution[layer].key));
    const given = givenShares(explained, layer, t, several ? ` of ${layer}` : '');
    if (given) return given;
    const { axis, sequence, note } = explainedAxis(explained, layer, t);
    if (note) notes.push(note);
    if (sequence) kind = 'sequence';
    const sums = sumsAlong(t, axis);
    const names = document.input.names?.length === sums.length ? document.input.names : undefined;
    const texts = names && document.input.texts?.length === sums.length ? document.input.texts : undefined;
    const axes = namedAxes(explained, layer, t.shape);
    positionName = axis === undefined ? undefined : axes?.[axis];
    channelName = axes?.find((_, other) => other > 0 && other !== axis);
    const of = several ? ` of ${layer}` : '';
    const single = Array.from(
      sums,
      (share, i): FeatureShare =>
        names
          ? { name: `${names[i]}${of}`, text: texts?.[i], share }
          : { name: `${positionName ?? (sequence ? 'position' : 'feature')} ${i}${of}`, share, unnamed: true },
    );
    return groups && groups.of.length === sums.length ? grouped(groups, single, of, isMean(document)) : single;
  });
  return {
    kind,
    shares,
    notes,
    positionName,
    channelName,
    rate: document.input.rate,
    signal: signalOf(explained, shares.length),
  };
}

/** What the axes of an input are called in its preprocessing; undefined for other values and inputs without names. */
function namedAxes({ document }: Explained, name: string, shape: readonly number[]): readonly string[] | undefined {
  const input = describedInput(document.preprocessing, name);
  return input?.kind === 'tensor' && input.axes?.length === shape.length ? input.axes : undefined;
}

/** Groups that the caller listed, added up; undefined where there are none, or none that have a name of their own. */
function givenShares(
  explained: Explained,
  layer: string,
  t: Tensor<'float32'>,
  of: string,
): FeatureShare[] | undefined {
  const { document } = explained;
  if (!document.groups || !listed.has(document.groups.kind)) return undefined;
  const groups = groupsOfDocument(document.groups, (key) => storedTensor(explained, key));
  const parts = partition(new Map([[layer, t]]), new Map(), groups);
  const labels = parts.of.get(layer) as Int32Array;
  const sums = new Float64Array(parts.count);
  const sizes = new Int32Array(parts.count);
  let rest = 0;
  for (const [i, label] of labels.entries()) {
    if (label < 0) rest += t.data[i];
    else {
      sums[label] += t.data[i];
      sizes[label]++;
    }
  }
  // As of columns and words: what was hidden together has one value at each of its positions.
  const shares = [...sums.keys()].map((group): FeatureShare => {
    const name = parts.names?.[group];
    const share = sums[group] / (isMean(document) ? Math.max(1, sizes[group]) : 1);
    return { name: `${name ?? `group ${group}`}${of}`, share, unnamed: name === undefined };
  });
  return rest === 0 ? shares : [...shares, { name: `in no group${of}`, share: rest, unnamed: true }];
}

const listed: ReadonlySet<string> = new Set(['columns', 'words', 'indices']);

/** Features that are one thing to a person, added up: the columns of a table, the words of a text. */
function grouped(
  groups: NonNullable<Explained['document']['input']['groups']>,
  single: readonly FeatureShare[],
  of: string,
  mean: boolean,
): FeatureShare[] {
  return groups.names.map((name, group): FeatureShare => {
    const parts = single.filter((_, i) => groups.of[i] === group);
    // What was hidden together has one value, which stands at each of its positions: shares add up, means do not.
    const share = parts.reduce((sum, part) => sum + part.share, 0) / (mean ? Math.max(1, parts.length) : 1);
    if (groups.kind === 'words') {
      const special = groups.special?.includes(group) || undefined;
      return { name: `${groups.texts[group]}${of}`, share, special, parts: parts.length > 1 ? parts : undefined };
    }
    return { name: `${name}${of}`, text: groups.texts[group], baseline: groups.baseline?.[group], share };
  });
}

/** Fewest positions that are drawn as a line: of an axis known to be time, and of a row that may as well be anything. */
const shortestSeries = 8;
const shortestSignal = 24;

/** The numbers of an input with one axis of positions, channel by channel; undefined where it is something else. */
function signalOf({ document, tensors }: Explained, positions: number): Channel[] | undefined {
  const { layout, names, groups } = document.input;
  if (document.explained.length !== 1 || names || groups) return undefined;
  if (positions < (layout.spatialAxes?.length === 1 ? shortestSeries : shortestSignal)) return undefined;
  const stored = document.input.tensors[document.explained[0]];
  const tensor = stored && tensors.get(stored.key);
  if (!tensor || tensor.type === 'int64' || tensor.type === 'string') return undefined;
  const inner = tensor.shape.slice(1);
  const axis = layout.spatialAxes?.length === 1 ? layout.spatialAxes[0] - 1 : inner.length === 1 ? 0 : undefined;
  if (axis === undefined || inner[axis] !== positions) return undefined;
  const stride = sizeOf(inner.slice(axis + 1));
  const count = sizeOf(inner) / positions;
  const channelOf = ({ data }: Tensor<'float32'>, channel: number) => {
    const start = Math.floor(channel / stride) * stride * positions + (channel % stride);
    return Array.from({ length: positions }, (_, i) => data[start + i * stride]);
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

/** The axis whose positions are shown: the one that names count, else the positions of a sequence, else the features of a row. */
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
    note: `“${layer}”: its ${shape[axis]} positions along axis ${axis} are shown, added up over the other axes${document.explained.includes(layer) ? '; name the axes in wherefore.yaml (axes: [batch, channel, time]) to see it as a signal' : ''}`,
  };
}

function sumsAlong({ shape, data }: Tensor<'float32'>, axis: number | undefined): Float64Array {
  if (axis === undefined) return Float64Array.of(data.reduce((sum, value) => sum + value, 0));
  const stride = sizeOf(shape.slice(axis + 1));
  const sums = new Float64Array(shape[axis]);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / stride) % shape[axis]] += data[i];
  return sums;
}
