import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { inferTypes } from '../onnx/types.ts';
import { fromNumbers } from '../tensor/convert.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Model } from './model.ts';

/** What becomes of a value of the graph; tensors are broadcast to its shape. */
export type ValueEdit =
  /** Another value, where `where` is true (a tensor of truth values, broadcast; default everywhere). */
  | { readonly kind: 'replace'; readonly value: Tensor; readonly where?: Tensor<'bool'> }
  | { readonly kind: 'add'; readonly value: Tensor }
  | { readonly kind: 'scale'; readonly factor: number | Tensor }
  /** Zeros. */
  | { readonly kind: 'ablate'; readonly where?: Tensor<'bool'> };

/**
 * The model with some values of its graph changed, whatever reads them sees the change. It is an edit of the graph, so it
 * is exact, as fast as the model, and holds in every runtime; sessions and weights are shared, and `close` of the first
 * closes both.
 * @param edits value name → edit; names are those of the graph, see `wherefore inspect`
 * @throws WhereforeError `unknown-name` for a value that no node makes
 * @example
 * const without = withEdits(model, { 'conv3': { kind: 'ablate' } });
 */
export function withEdits<M extends Model>(model: M, edits: Readonly<Record<string, ValueEdit>>): M {
  const graph = editedGraph(model.graph, edits);
  return { ...model, graph, types: inferTypes(graph) };
}

/** The graph with values changed; see {@link withEdits}. */
function editedGraph(graph: Graph, edits: Readonly<Record<string, ValueEdit>>): Graph {
  const types = inferTypes(graph);
  const wanted = new Map(Object.entries(edits));
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const unknown = [...wanted.keys()].find((name) => !made.has(name));
  if (unknown !== undefined) {
    throw new WhereforeError('unknown-name', 'no node of the graph makes this value', {
      got: `"${unknown}"`,
      fix: 'list the values with `wherefore inspect --layers`',
    });
  }
  const builder = new GraphBuilder({ ...graph, nodes: [] }, { prefix: 'edit/' });
  for (const node of graph.nodes) {
    const edited = node.outputs.filter((name) => wanted.has(name));
    if (edited.length === 0) {
      builder.append(node);
      continue;
    }
    const before = new Map(edited.map((name) => [name, `${name}/unedited`]));
    builder.append({ ...node, outputs: node.outputs.map((name) => before.get(name) ?? name) });
    for (const [name, plain] of before) append(builder, name, plain, wanted.get(name) as ValueEdit, types.get(name));
  }
  return builder.build();
}

function append(
  builder: GraphBuilder,
  name: string,
  plain: string,
  edit: ValueEdit,
  type: Tensor['type'] = 'float32',
): void {
  // Runtimes refuse two nodes of one name, and the node that made the value may be called like it.
  const options = { outputs: [name], name: `${name}/edit` };
  if (edit.kind === 'add') builder.op('Add', [plain, builder.constant(edit.value)], {}, options);
  else if (edit.kind === 'scale') {
    const factor = typeof edit.factor === 'number' ? builder.scalar(edit.factor, type) : builder.constant(edit.factor);
    builder.op('Mul', [plain, factor], {}, options);
  } else {
    const value = edit.kind === 'ablate' ? fromNumbers(type, [1], [0]) : edit.value;
    // The new value takes the shape of the old one.
    const whole = builder.op('Expand', [builder.constant(value), builder.op('Shape', [plain])]);
    if (!edit.where) builder.op('Identity', [whole], {}, options);
    else builder.op('Where', [builder.constant(edit.where), whole, plain], {}, options);
  }
}
