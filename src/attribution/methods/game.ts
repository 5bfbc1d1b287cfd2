import { float32, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { hidesAll } from '../groups.ts';
import { type Masking, maskedPoints } from '../masking/masked-points.ts';
import { type MethodContext, type MethodResult, sumOf } from './method.ts';

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
  /** `v` of the empty coalition and of all. */
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
  const masking = maskingOf(context, players);
  const value = (coalitions: Coalitions) => evaluate(context, masking, coalitions);
  let empty = context.value;
  if (players.length && hidesAll(context))
    empty = references.reduce((sum, at) => sum + at.value, 0) / references.length;
  // At a layer that is bypassed, or where elements are in no group, masking all is not the baseline input.
  else if (players.length) [empty] = await value(new Uint8Array(players.length));
  return {
    players: players.length,
    empty,
    full: context.value,
    value,
    spread: (shares) => spread(context, players, shares),
  };
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

/** What a coalition masks: every player is a feature group, an element of no player is never masked. */
function maskingOf({ layer, features, references }: MethodContext, players: readonly Player[]): Masking {
  const values = layer.map((name) => {
    const input = features.get(name) as Tensor;
    const groupOf = new Int32Array(sizeOf(input.shape)).fill(-1);
    for (const [k, player] of players.entries()) for (const i of player.get(name) ?? []) groupOf[i] = k;
    return { name, input, baseline: references.map((sample) => sample.features.get(name) as Tensor), groupOf };
  });
  return { values, groups: players.length, samples: references.length };
}

/** The mean over the samples of the baseline, for each coalition. */
async function evaluate(context: MethodContext, masking: Masking, coalitions: Coalitions): Promise<Float64Array> {
  const { groups, samples } = masking;
  const count = groups === 0 ? 1 : coalitions.length / groups;
  const { target } = await context.prepared.evaluate(
    maskedPoints(masking, count, (k, keep) => keep.set(coalitions.subarray(k * groups, (k + 1) * groups))),
  );
  const values = new Float64Array(count);
  for (let k = 0, row = 0; k < count; k++) {
    let sum = 0;
    for (const end = row + samples; row < end; row++) sum += target[row];
    values[k] = sum / samples;
  }
  return values;
}

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
