import type { Tensors } from '../../runtime/runtime.ts';
import { concatRows, float32, sizeOf, type Tensor, tensor } from '../../tensor/tensor.ts';
import { hidesAll } from '../groups.ts';
import { type PointSource, type Points, selectable } from '../points.ts';
import { type MethodContext, type MethodResult, sumOf, type Workload } from './method.ts';

/** Rows of 0 and 1: whether coalition k holds player p, at `k · players + p`. */
export type Coalitions = Uint8Array;

/** The elements that a player hides, by value name. */
type Player = ReadonlyMap<string, Uint32Array>;

/**
 * The cooperative game behind every method that hides and shows groups: players are the groups that differ from the
 * baseline, and `v(S) = mean_s f(x with every group outside S replaced by baseline sample s)`.
 */
export interface Game {
  readonly players: number;
  /** `v` of nobody and of all. */
  readonly empty: number;
  readonly full: number;
  /** `v` of each coalition. */
  value(coalitions: Coalitions): Promise<Float64Array>;
  /** Each player's share spread evenly over its elements that differ from the baseline. */
  spread(shares: ArrayLike<number>): Pick<MethodResult, 'values' | 'sum'>;
}

/** Sets up the game of a context; a group without a difference has nothing to win and does not play. */
export async function gameOf(context: MethodContext): Promise<Game> {
  const { references } = context;
  const players = playersOf(context);
  const value = (coalitions: Coalitions) => evaluate(context, players, coalitions);
  let empty = context.value;
  if (players.length && hidesAll(context))
    empty = references.reduce((sum, at) => sum + at.value, 0) / references.length;
  // At a layer that is bypassed, or where elements are in no group, hiding everybody is not the baseline input.
  else if (players.length) [empty] = await value(new Uint8Array(players.length));
  return {
    players: players.length,
    empty,
    full: context.value,
    value,
    spread: (shares) => spread(context, players, shares),
  };
}

/** Forward passes for the values of so many coalitions: each with every sample, and nobody's where that is not known. */
export function gamePasses(coalitions: number, { references, hidesAll }: Workload): number {
  return (coalitions + (hidesAll ? 0 : 1)) * references;
}

function playersOf(context: MethodContext): Player[] {
  const { layer, partition } = context;
  const lists = Array.from({ length: partition.count }, () => new Map<string, number[]>());
  for (const name of layer) {
    const differs = differing(context, name);
    for (const [i, group] of (partition.of.get(name) as Int32Array).entries()) {
      if (group < 0 || !differs[i]) continue;
      const list = lists[group].get(name);
      if (list) list.push(i);
      else lists[group].set(name, [i]);
    }
  }
  return lists
    .filter((list) => list.size > 0)
    .map((list) => new Map([...list].map(([name, found]) => [name, Uint32Array.from(found)])));
}

/** The mean over the samples of the baseline, for each coalition. */
async function evaluate(
  context: MethodContext,
  players: readonly Player[],
  coalitions: Coalitions,
): Promise<Float64Array> {
  const samples = context.references.length;
  const count = players.length === 0 ? 1 : coalitions.length / players.length;
  const points: Points = {
    cut: context.layer,
    count: count * samples,
    at(start, end): Tensors {
      return new Map(context.layer.map((name) => [name, hidden(context, players, coalitions, { name, start, end })]));
    },
    source: hiddenInGraph(context, players, coalitions),
  };
  const { target } = await context.prepared.evaluate(points);
  const values = new Float64Array(count);
  for (let k = 0, row = 0; k < count; k++) {
    let sum = 0;
    for (const end = row + samples; row < end; row++) sum += target[row];
    values[k] = sum / samples;
  }
  return values;
}

/**
 * Rows `start` to `end` of one value of the layer: coalition by coalition, sample by sample, with the players outside
 * the coalition replaced by the sample.
 */
function hidden(
  { features, references }: MethodContext,
  players: readonly Player[],
  coalitions: Coalitions,
  { name, start, end }: { readonly name: string; readonly start: number; readonly end: number },
): Tensor {
  const { type, shape, data } = features.get(name) as Tensor<'float32'>;
  const size = data.length;
  const values = new (data.constructor as Float32ArrayConstructor)(size * (end - start));
  const absent = references.map((reference) => reference.features.get(name)?.data as Float32Array);
  const playerOf = playersByElement(players, name, size, -1);
  for (let row = start, to = 0; row < end; row++) {
    const from = absent[row % absent.length];
    const coalition = Math.floor(row / absent.length) * players.length;
    for (let i = 0; i < size; i++) {
      const player = playerOf[i];
      values[to++] = player < 0 || coalitions[coalition + player] === 1 ? data[i] : from[i];
    }
  }
  return tensor(type, [(shape[0] ?? 1) * (end - start), ...shape.slice(1)], values);
}

/** The player that hides each element of a value; `nobody` for elements that always show. */
function playersByElement(players: readonly Player[], name: string, size: number, nobody: number): Int32Array {
  const result = new Int32Array(size).fill(nobody);
  for (const [k, player] of players.entries()) for (const i of player.get(name) ?? []) result[i] = k;
  return result;
}

/**
 * The same rows as {@link hidden}, from one bit for each player of a coalition: `Where(held, x, sample)`, which copies
 * elements as they are.
 */
function hiddenInGraph(
  { layer, features, references }: MethodContext,
  players: readonly Player[],
  coalitions: Coalitions,
): PointSource | undefined {
  const samples = references.length;
  const whole = layer.map((name) => ({ name, ...positionsOf(features.get(name) as Tensor, players, name) }));
  if (players.length === 0 || whole.some(({ type }) => !selectable.has(type))) return undefined;
  const width = players.length + 1;
  const fixed = new Map<string, Tensor>();
  for (const { name, type, row, data, positions, player } of whole) {
    fixed.set(inputs.features(name), tensor(type, [1, 1, ...row], data as never));
    const absent = concatRows(references.map((at) => ({ ...(at.features.get(name) as Tensor), shape: [1, ...row] })));
    fixed.set(inputs.samples(name), tensor(type, [1, samples, ...row], absent.data as never));
    fixed.set(inputs.players(name), tensor('int32', [1, ...positions], player));
  }
  return {
    key: whole
      .map(({ name, type, row, positions }) => `${name}:${type}:${row.join('×')}:${positions.join('×')}`)
      .join(),
    pointsPerRow: samples,
    feeds(start, end) {
      // The last column is for elements that nobody hides.
      const held = new Uint8Array((end - start) * width).fill(1);
      for (let k = start; k < end; k++) {
        held.set(coalitions.subarray(k * players.length, (k + 1) * players.length), (k - start) * width);
      }
      return new Map(fixed).set(inputs.held, tensor('bool', [end - start, width], held));
    },
    append(builder) {
      const held = builder.input(inputs.held, 'bool', [undefined, undefined]);
      for (const { name, type, shape, row } of whole) {
        const anyRow = row.map(() => undefined);
        const present = builder.input(inputs.features(name), type, [1, 1, ...anyRow]);
        const absent = builder.input(inputs.samples(name), type, [1, undefined, ...anyRow]);
        const player = builder.input(inputs.players(name), 'int32', [1, ...anyRow]);
        const shown = builder.op('Gather', [held, player], { axis: 1 });
        const rows = builder.op('Where', [shown, present, absent]);
        builder.op('Reshape', [rows, builder.ints([-1, ...shape.slice(1)])], {}, { outputs: [name] });
      }
    },
  };
}

/** A value with the player of each of its elements; axes along which the player stays the same have one place. */
function positionsOf(value: Tensor, players: readonly Player[], name: string) {
  const { shape } = value;
  const row = shape[0] === 1 ? shape.slice(1) : [...shape];
  let positions = row;
  let player = playersByElement(players, name, sizeOf(shape), players.length);
  for (let axis = 0; axis < row.length; axis++) {
    const [before, size, after] = [
      sizeOf(positions.slice(0, axis)),
      positions[axis],
      sizeOf(positions.slice(axis + 1)),
    ];
    const at = (i: number, k: number, j: number) => player[(i * size + k) * after + j];
    const first = Int32Array.from({ length: before * after }, (_, i) => at(Math.floor(i / after), 0, i % after));
    const isSame = player.every((own, i) => own === first[Math.floor(i / (size * after)) * after + (i % after)]);
    if (!isSame) continue;
    player = first;
    positions = positions.map((length, k) => (k === axis ? 1 : length));
  }
  return { ...value, row, positions, player };
}

/** Names of what the graph makes rows of coalitions from. */
const inputs = {
  held: 'points/held',
  features: (name: string) => `points/features/${name}`,
  samples: (name: string) => `points/samples/${name}`,
  players: (name: string) => `points/players/${name}`,
};

function spread(
  { features }: MethodContext,
  players: readonly Player[],
  shares: ArrayLike<number>,
): Pick<MethodResult, 'values' | 'sum'> {
  const sums = new Map([...features].map(([name, { shape }]) => [name, new Float64Array(sizeOf(shape))]));
  for (const [k, player] of players.entries()) {
    let size = 0;
    for (const elements of player.values()) size += elements.length;
    for (const [name, elements] of player) {
      const sum = sums.get(name) as Float64Array;
      for (const i of elements) sum[i] = shares[k] / size;
    }
  }
  const values = new Map([...sums].map(([name, list]) => [name, float32((features.get(name) as Tensor).shape, list)]));
  return { values, sum: sumOf(sums.values()) };
}

/** Two missing values are the same. */
const differ = (a: number, b: number) => a !== b && !(Number.isNaN(a) && Number.isNaN(b));

/** 1 for each element of a value of the layer that differs from some sample of the baseline. */
export function differing({ features, references }: MethodContext, name: string): Uint8Array {
  const values = (features.get(name) as Tensor).data as Float32Array;
  const result = new Uint8Array(values.length);
  for (const reference of references) {
    const absent = (reference.features.get(name) as Tensor).data as Float32Array;
    for (let i = 0; i < values.length; i++) if (differ(values[i], absent[i])) result[i] = 1;
  }
  return result;
}
