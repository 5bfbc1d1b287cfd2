import * as z from 'zod/mini';
import { costOf } from '../attribution/attribute.ts';
import { extentOf } from '../attribution/context.ts';
import { differingGroups, type Groups } from '../attribution/groups.ts';
import { type MethodName, methods as methodTable } from '../attribution/methods/index.ts';
import type { Passes } from '../attribution/prepared.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import type { CompiledTarget } from '../attribution/targets/target.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { WhereforeError } from '../errors.ts';
import type { Specialised } from '../runtime/executor.ts';
import type { Tensors } from '../runtime/runtime.ts';

/** What the cost of an explanation depends on. */
interface Asked {
  readonly input: ModelInput;
  readonly layer: readonly string[];
  readonly explained: readonly string[];
  readonly method: MethodName;
  readonly groups: Groups | undefined;
  /** All inputs at every baseline. */
  readonly references: readonly Tensors[];
  readonly target: Target;
}

/** The passes of an explanation, or why its method cannot give it. */
export function estimateCost(
  { facts }: Specialised,
  compiled: CompiledTarget,
  { input, layer, explained, method, groups, references, target }: Asked,
  given: Readonly<Record<string, unknown>> = {},
): { least: Passes; most: Passes; ungrouped: number } | WhereforeError {
  const row = methodTable[method];
  const parameters = z.parse(row.parameters, given);
  const extent = extentOf(row, {
    inputs: input.tensors,
    explained,
    layer: { names: layer },
    shapes: facts.shapes,
    layout: input.layout,
    groups: row.usesGroups ? groups : undefined,
    references: references.length,
    target: compiled,
  });
  const { features, layouts, partition } = extent;
  const isInput = layer.every((name) => input.tensors.has(name));
  try {
    row.check?.(parameters, {
      target,
      output: facts.shapes.get(compiled.output) ?? [],
      inputs: input.tensors,
      explained,
      layer,
      layouts,
      players: isInput && row.usesGroups ? differingGroups(partition, features, references) : undefined,
    });
  } catch (error) {
    if (error instanceof WhereforeError) return error;
    throw error;
  }
  const most = costOf(row, parameters, extent);
  // An adaptive method to which any error is small enough stops at its first try.
  const least =
    'tolerance' in parameters && parameters.tolerance !== 0
      ? costOf(row, { ...parameters, tolerance: Number.POSITIVE_INFINITY }, extent)
      : most;
  const ungrouped = [...partition.of.values()].reduce((sum, of) => sum + of.filter((group) => group < 0).length, 0);
  return { least, most, ungrouped };
}
