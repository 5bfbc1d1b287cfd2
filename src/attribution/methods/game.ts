import type { Tensors } from '../../runtime/runtime.ts';
import { concatRows, float32, sizeOf, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { Points } from '../prepare.ts';
import { type MethodContext, type MethodResult, sumOf } from './method.ts';

/** Rows of 0 and 1: whether coalition k holds player p, at `k · players + p`. */
export type Coalitions = Uint8Array;

/**
 * The cooperative game behind every method that hides and shows groups: players are the groups that differ from the
 * baseline, and `v(S) = mean_s f(x with every group outside S replaced by baseline sample s)`.
 */
export interface Game {
  readonly players: number;
  /** `v` of nobody and of all. */
  readonly empty: number;
  readonly full: number;
  /** Elements hidden by each player, by value name. */
  readonly elements: readonly ReadonlyMap<string, Uint32Array>[];
  value(coalitions: Coalitions): Promise<Float64Array>;
  /** Each player's share spread evenly over its elements that differ from the baseline. */
  spread(shares: ArrayLike<number>): Pick<MethodResult, 'values' | 'sum'>;
}

/** Sets up the game of a context; a group without a difference has nothing to win and does not play. */
export async function gameOf(context: MethodContext): Promise<Game> {
  const { features, references, partition, prepared } = context;
  const elements = playersOf(context);
  const players = elements.length;
  const names = [...features.keys()];
  const value = (coalitions: Coalitions) => valueOf(context, elements, coalitions);
  // At a layer that is bypassed, hiding everything is not the same as the baseline input.
  const empty = context.isCut ? references.reduce((sum, at) => sum + at.value, 0) / references.length : (await value(new Uint8Array(players)))[0];
  return {
    players,
    empty: players === 0 ? context.value : empty,
    full: context.value,
    elements,
    value,
    spread(shares) {
      const sums = new Map(names.map((name) => [name, new Float64Array(sizeOf((features.get(name) as Tensor).shape))]));
      elements.forEach((byName, player) => {
        let size = 0;
        for (const list of byName.values()) size += list.length;
        for (const [name, list] of byName) for (const i of list) (sums.get(name) as Float64Array)[i] = shares[player] / size;
      });
      const values = new Map([...sums].map(([name, list]) => [name, float32((features.get(name) as Tensor).shape, list)]));
      return { values, sum: sumOf(sums.values()) };
    },
  };

  async function valueOf(
    { layer }: MethodContext,
    held: readonly ReadonlyMap<string, Uint32Array>[],
    coalitions: Coalitions,
  ): Promise<Float64Array> {
    const count = players === 0 ? 1 : coalitions.length / players;
    const samples = references.length;
    const points: Points = {
      cut: layer,
      count: count * samples,
      at(start, end): Tensors {
        const rows = new Map<string, Tensor[]>(layer.map((name) => [name, []]));
        for (let row = start; row < end; row++) {
          const [coalition, sample] = [Math.floor(row / samples), row % samples];
          for (const name of layer) {
            const whole = features.get(name) as Tensor;
            const copy = tensor(whole.type, whole.shape, whole.data.slice() as never);
            const [to, from] = [copy.data, (references[sample].features.get(name) as Tensor).data] as Float32Array[];
            for (let player = 0; player < players; player++) {
              if (coalitions[coalition * players + player]) continue;
              for (const i of held[player].get(name) ?? []) to[i] = from[i];
            }
            rows.get(name)?.push(copy);
          }
        }
        return new Map([...rows].map(([name, list]) => [name, list.length === 1 ? list[0] : concatRows(list)]));
      },
    };
    const { target } = await prepared.evaluate(points);
    const values = new Float64Array(count);
    for (let k = 0; k < count; k++) {
      for (let s = 0; s < samples; s++) values[k] += target[k * samples + s] / samples;
    }
    return values;
  }

  function playersOf({ layer }: MethodContext): ReadonlyMap<string, Uint32Array>[] {
    const lists = Array.from({ length: partition.count }, () => new Map<string, number[]>());
    for (const name of layer) {
      const differs = differing(context, name);
      const groups = partition.of.get(name) as Int32Array;
      groups.forEach((group, i) => {
        if (group < 0 || !differs[i]) return;
        const list = lists[group].get(name);
        if (list) list.push(i);
        else lists[group].set(name, [i]);
      });
    }
    return lists.filter((list) => list.size > 0).map((list) => new Map([...list].map(([name, found]) => [name, Uint32Array.from(found)])));
  }
}

/** 1 for each element of a value of the layer that differs from some sample of the baseline. */
export function differing({ features, references }: MethodContext, name: string): Uint8Array {
  const values = (features.get(name) as Tensor).data as Float32Array;
  const result = new Uint8Array(values.length);
  for (const reference of references) {
    const absent = (reference.features.get(name) as Tensor).data as Float32Array;
    for (let i = 0; i < values.length; i++) if (values[i] !== absent[i]) result[i] = 1;
  }
  return result;
}
