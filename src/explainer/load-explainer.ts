import type { Edge } from '../data/model/loaded-model.ts';
import type { Model } from '../runtime/model.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Explainer } from './explainer.ts';

/** Explainers stay open with the runtime that runs them. */
const opened = new WeakMap<Runtime, Map<string, Promise<Explainer>>>();

/**
 * Opens the explainer of a file beside a model, once for each runtime: what the method `lax` takes as `loadExplainer`.
 * @param edge how the file is reached: that of a loaded model
 * @throws WhereforeError `invalid-data` when the file is no explainer, `invalid-argument` when it was trained on another
 *   model
 */
export async function loadExplainer(path: string, model: Model, edge: Pick<Edge, 'loadModel'>): Promise<Explainer> {
  // With its network it is much to load for those who explain by other methods.
  const { checkExplains, openExplainer } = await import('./explainer.ts');
  const { runtime } = model.executor;
  let byPath = opened.get(runtime);
  if (!byPath) opened.set(runtime, (byPath = new Map()));
  let explainer = byPath.get(path);
  if (!explainer) {
    byPath.set(path, (explainer = edge.loadModel(path, runtime).then(openExplainer)));
    explainer.catch(() => byPath.delete(path));
  }
  checkExplains(await explainer, model);
  return explainer;
}
