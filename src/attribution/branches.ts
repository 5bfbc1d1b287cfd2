import type { Facts } from '../autodiff/facts.ts';
import { elementsRead, type Graph, type Node } from '../onnx/graph.ts';
import { maxOf } from '../tensor/extremes.ts';
import { sameShape } from '../tensor/tensor.ts';
import { completingValues, isCut, type Layer } from './layer.ts';
import { type LayerCandidate, layersBetween, layersWorthExplaining } from './layers.ts';

/** A layer worth explaining: one value, or several that separate the inputs from the output together. */
export interface ProposedLayer {
  readonly names: readonly string[];
  readonly operators: readonly string[];
  readonly shapes: readonly (readonly number[])[];
}

/** Branches that one layer is read from at most: a feature pyramid has three to six. */
const mostBranches = 8;

/**
 * The layers worth explaining between `inputs` and `output`, in the order in which they are computed: single values
 * ({@link layersWorthExplaining}) and, where a network goes on in branches that meet only at the end, the values from
 * which they start, together (P3 + P4 + P5 of a detector with a feature pyramid).
 */
export function proposedLayers(
  graph: Graph,
  facts: Facts,
  inputs: readonly string[],
  output: string,
): { readonly worth: readonly ProposedLayer[]; readonly all: readonly LayerCandidate[] } {
  const all = layersBetween(graph, facts, inputs, output);
  const byName = new Map(all.map((candidate) => [candidate.name, candidate]));
  const position = new Map(all.map(({ name }, i) => [name, i]));
  const place = ({ names }: ProposedLayer) => maxOf(names.map((name) => position.get(name) as number));
  const sets = branchStarts(graph, facts, inputs, all).flatMap((names) => {
    const members = names.map((name) => byName.get(name));
    return members.every((member) => member !== undefined) ? [together(members)] : [];
  });
  const worth = [...layersWorthExplaining(all).map((candidate) => together([candidate])), ...sets];
  return { worth: worth.sort((a, b) => place(a) - place(b)), all };
}

/**
 * The values that complete a layer which does not separate the inputs from the target: the others of a proposed layer
 * that holds it (a level of a feature pyramid is completed by the other levels), else the fewest, {@link completingValues}.
 * @param target the graph with the target, and the target's value
 */
export function completing(
  graph: Graph,
  facts: Facts,
  { names }: Layer,
  inputs: readonly string[],
  { output, ...target }: { readonly output: string; readonly graph: Graph; readonly value: string },
): string[] {
  const whole = proposedLayers(graph, facts, inputs, output).worth.find(
    (proposed) =>
      names.every((name) => proposed.names.includes(name)) && isCut(target.graph, proposed, inputs, target.value),
  );
  return (
    whole?.names.filter((name) => !names.includes(name)) ??
    completingValues(target.graph, { names }, inputs, target.value)
  );
}

function together(members: readonly LayerCandidate[]): ProposedLayer {
  return {
    names: members.map(({ name }) => name),
    operators: members.map(({ operator }) => operator),
    shapes: members.map(({ shape }) => shape),
  };
}

/**
 * Of every value where branches meet that no single value lies before: one value of each branch that separates the
 * branch from the rest.
 */
function branchStarts(
  graph: Graph,
  facts: Facts,
  inputs: readonly string[],
  candidates: readonly LayerCandidate[],
): string[][] {
  const sets: string[][] = [];
  candidates.forEach(({ name, isCut }, i) => {
    // Between two cuts that follow each other nothing branches.
    if (!isCut || candidates[i - 1]?.isCut !== false) return;
    const join = graph.nodes.find(({ outputs }) => outputs.includes(name)) as Node;
    const branches = [...branchesOf(graph, join, new Set([...inputs, ...candidates.map((value) => value.name)]))];
    const starts = new Set(branches.map(([operand, from]) => startOf(graph, facts, operand, from)));
    const known = [...starts].filter((start) => start !== undefined && !inputs.includes(start)) as string[];
    if (known.length === starts.size && known.length > 1 && known.length <= mostBranches) sets.push(known);
  });
  return sets;
}

/**
 * The value from which a branch starts: the one that it reads; of several, where the branch has brought them together:
 * the last of the first cuts of one shape inside it, where that stage has done its work.
 */
function startOf(graph: Graph, facts: Facts, operand: string, from: readonly string[]): string | undefined {
  if (from.length === 1) return from[0];
  const inner = layersBetween(graph, facts, from, operand).filter(({ isCut }) => isCut);
  const end = inner.findIndex(({ shape }) => !sameShape(shape, inner[0].shape));
  return inner.at(end < 0 ? -1 : end - 1)?.name;
}

/**
 * The operands of a join with the values that their branches read. What a branch computes reaches this operand alone;
 * an operand that reaches others as well is a branch of nothing but itself.
 */
function branchesOf(graph: Graph, join: Node, alive: ReadonlySet<string>): Map<string, string[]> {
  const reaches = new Map<string, Set<string>>();
  const reach = (name: string, operands: Iterable<string>) => {
    let set = reaches.get(name);
    if (!set) reaches.set(name, (set = new Set()));
    for (const operand of operands) set.add(operand);
  };
  const operands = [...new Set(join.inputs.filter((name) => alive.has(name)))];
  for (const operand of operands) reach(operand, [operand]);
  const before = graph.nodes.slice(0, graph.nodes.indexOf(join)).toReversed();
  for (const node of before) {
    const reached = node.outputs.flatMap((name) => [...(reaches.get(name) ?? [])]);
    if (reached.length) for (const name of elementsRead(node)) reach(name, reached);
  }
  const ownerOf = (name: string) => {
    const [owner, ...others] = reaches.get(name) ?? [];
    return others.length ? undefined : owner;
  };
  const branches = new Map(operands.map((operand) => [operand, new Set(ownerOf(operand) ? [] : [operand])]));
  for (const node of before) {
    const owner = node.outputs.map(ownerOf).find((operand) => operand !== undefined);
    if (!owner) continue;
    for (const name of elementsRead(node)) if (alive.has(name) && !ownerOf(name)) branches.get(owner)?.add(name);
  }
  return new Map([...branches].map(([operand, from]) => [operand, [...from]]));
}
