import { maxOf } from '../../tensor/extremes.ts';
import type { OnnxModel } from '../graph.ts';
import { resolveConstants } from './constants.ts';
import { type ExpandOptions, expand } from './expansions/expand.ts';
import { checkCalls, functionsOf, inlineFunctions } from './functions.ts';
import { unzipMaps } from './maps.ts';
import type { LoweringNote } from './notes.ts';
import { randomDraws } from './random-draws.ts';
import { namesOf } from './rewrite.ts';
import { lowestOpset, targetOpset, upgradeGraph } from './upgrade.ts';

/** A model in which every operator appears in one version, and what was done to get there. */
export interface Lowered {
  readonly model: OnnxModel;
  readonly notes: readonly LoweringNote[];
}

/**
 * Rewrites a model so that whoever reads it meets one version of each operator: constants are initializers, functions
 * of the file are inlined, the standard operators have their meaning since opset 20, the runtime's own operators and the
 * composite ones of the standard are replaced by simple ones where they can be (else a note says why not).
 *
 * Every value of the main graph keeps its name; new ones are called `<node>/<what>`. Outputs are the same, up to
 * rounding.
 *
 * @throws WhereforeError `unsupported-model` for an opset below 7 and for the few old operators without a newer equal
 */
export function lowerWith(model: OnnxModel, options: ExpandOptions): Lowered {
  const notes: LoweringNote[] = [];
  const functions = functionsOf(model.functions);
  checkCalls(model.graph, functions);
  const versions = [model.opsets, ...model.functions.map((fn) => fn.opsets)].map(standardOpset);
  const declared = versions[0];
  // A model without standard operators declares no standard opset.
  const target = maxOf(versions.map((version) => targetOpset(version ?? lowestOpset)));
  const names = namesOf(model.graph);
  let graph = model.graph;
  if (model.irVersion < 4) {
    // Before version 4 of the format every initializer had to be listed among the inputs; it is a constant all the same.
    graph = { ...graph, inputs: graph.inputs.filter((input) => !graph.initializers.has(input.name)) };
  }
  graph = resolveConstants(graph, names, notes);
  graph = upgradeGraph(graph, declared ?? target, names, notes, (node) => functions.of(node) !== undefined);
  graph = inlineFunctions(graph, functions, names, notes);
  graph = resolveConstants(graph, names, notes);
  graph = unzipMaps(graph, notes);
  graph = expand(graph, options, names, notes);
  for (const note of randomDraws(graph)) notes.push(note);
  if (declared !== undefined && declared < target) {
    const text = `the model's opset ${declared} was raised to ${target}`;
    notes.unshift({ code: 'opset-upgraded', node: '', from: declared, to: target, text });
  }
  const opsets = new Map(model.opsets);
  for (const fn of model.functions)
    for (const [domain, version] of fn.opsets) if (!opsets.has(domain)) opsets.set(domain, version);
  opsets.delete('ai.onnx');
  opsets.set('', target);
  return { model: { ...model, irVersion: Math.max(model.irVersion, 9), opsets, graph, functions: [] }, notes };
}

function standardOpset(opsets: ReadonlyMap<string, number>): number | undefined {
  return opsets.get('') ?? opsets.get('ai.onnx');
}
