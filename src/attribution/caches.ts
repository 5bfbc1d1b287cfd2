import type { Graph } from '../onnx/graph.ts';
import type { Model } from '../runtime/model.ts';
import { memo } from '../tensor/memo.ts';
import type { CurvaturePlan, Plan } from './plan.ts';
import type { CompiledTarget } from './targets/target.ts';

/** What attributions of one model have in common, by keys that tell target, shapes and cut. */
interface Caches {
  readonly targets: Map<string, Promise<CompiledTarget>>;
  readonly parts: Map<string, Graph>;
  readonly plans: Map<string, Promise<Plan>>;
  readonly curvatures: Map<string, Promise<CurvaturePlan>>;
  readonly batching: Map<string, Promise<boolean>>;
  /** Targets at zero features. */
  readonly zeros: Map<string, Promise<number>>;
  /** Targets of which some gradient of 0 met an infinite derivative. */
  readonly absorbing: Set<string>;
}

/** What is kept of a model. */
export const cachesOf: (model: Model) => Caches = memo(() => ({
  targets: new Map(),
  parts: new Map(),
  plans: new Map(),
  curvatures: new Map(),
  batching: new Map(),
  zeros: new Map(),
  absorbing: new Set(),
}));

/** What stands under a key, made at the first call; a failure is not kept. */
export function once<V>(map: Map<string, Promise<V>>, key: string, make: () => Promise<V>): Promise<V> {
  let value = map.get(key);
  if (!value) {
    map.set(key, (value = make()));
    value.catch(() => map.delete(key));
  }
  return value;
}

let graphs = 0;

/** A number for a graph, the same as long as it is the same object: part of the key of what was made from it. */
export const numberOf: (graph: Graph) => number = memo(() => graphs++);
