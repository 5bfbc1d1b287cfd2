import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { namedMemo } from '../../tensor/memo.ts';

const patchables = namedMemo<Graph, Graph>();

/**
 * A graph with two inputs for each value: `patch/NAME`, what takes its place, and `patch/NAME/where`, truth values that
 * are broadcast to it. One graph serves all cells of a grid. Its output `patch/last` holds the logits behind the last token.
 */
export function patchable(graph: Graph, names: readonly string[], logits: string): Graph {
  return patchables(graph, names.join('\n'), () => {
    const builder = new GraphBuilder({ ...graph, nodes: [], outputs: [], values: new Map() }, { prefix: 'patching/' });
    for (const node of graph.nodes) {
      const patched = node.outputs.filter((name) => names.includes(name));
      builder.append({
        ...node,
        outputs: node.outputs.map((name) => (patched.includes(name) ? `${name}/unpatched` : name)),
      });
      for (const name of patched) {
        const value = builder.input(`patch/${name}`, 'float32', undefined);
        const where = builder.input(`patch/${name}/where`, 'bool', undefined);
        builder.op('Where', [where, value, `${name}/unpatched`], {}, { outputs: [name], name: `${name}/patch` });
      }
    }
    const last = builder.op('Gather', [logits, builder.scalar(-1, 'int64')], { axis: 1 }, { outputs: ['patch/last'] });
    builder.output(last, 'float32');
    return builder.build();
  });
}
