import { describe, expect, it } from 'vitest';
import { sharedData } from '../../test/shared-data.ts';
import type { Facts } from '../autodiff/facts.ts';
import { loadModel } from '../data/model/load-model.ts';
import { inspect } from '../explain/inspect.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { completing, proposedLayers } from './branches.ts';
import { completingValues, isCut } from './layer.ts';

/** A graph of one-operand nodes and concatenations, written as `output = inputs`; every level has its own width. */
function graphOf(lines: readonly string[], widths: Readonly<Record<string, number>> = {}) {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  for (const line of lines) {
    const [output, inputs] = line.split(' = ').map((part) => part.split(' '));
    builder.op(inputs.length > 1 ? 'Concat' : 'Relu', inputs, inputs.length > 1 ? { axis: 1 } : {}, {
      outputs: output,
    });
  }
  builder.output('y', 'float32', [1, 4]);
  const graph = builder.build();
  const names = ['x', ...graph.nodes.flatMap((node) => node.outputs)];
  const facts: Facts = {
    shapes: new Map(names.map((name) => [name, [1, widths[name] ?? 4]])),
    types: new Map(names.map((name) => [name, 'float32'])),
    constants: new Map(),
  };
  return { graph, facts };
}

function sets({ graph, facts }: { readonly graph: Graph; readonly facts: Facts }): string[] {
  const { worth } = proposedLayers(graph, facts, ['x'], 'y');
  for (const { names } of worth) expect(isCut(graph, { names }, ['x'], 'y')).toBe(true);
  return worth.flatMap(({ names }) => (names.length > 1 ? [names.join('+')] : []));
}

describe('layers of several values', () => {
  it('are the levels of a feature pyramid, from which heads go on apart', () => {
    // c3 → c4 → c5, down again to n4 and p3, up again to p4 and p5; a head of two nodes on each level.
    const pyramid = graphOf(
      [
        'c3 = x',
        'c4 = c3',
        'c5 = c4',
        'n4 = c5 c4',
        'p3 = n4 c3',
        'p4 = p3 n4',
        'j5 = p4 c5',
        'p5 = j5',
        'h3 = p3',
        'y3 = h3',
        'h4 = p4',
        'y4 = h4',
        'h5 = p5',
        'y5 = h5',
        'y = y3 y4 y5',
      ],
      { c5: 8, j5: 8, p5: 8, h5: 3 },
    );
    // p5 has one reader, so the head could be said to begin at j5: the last of its shape is taken.
    expect(sets(pyramid)).toEqual(['p3+p4+p5']);
  });

  it('complete each other, though one value before them all would do', () => {
    const { graph, facts } = graphOf(
      [
        'c3 = x',
        'c4 = c3',
        'n4 = c4',
        'p3 = n4 c3',
        'p4 = p3 n4',
        'h3 = p3',
        'h4 = p4',
        'y3 = h3',
        'y4 = h4',
        'y = y3 y4',
      ],
      { c4: 8, n4: 8, p4: 8, h3: 3, h4: 5 },
    );
    const target = { graph, output: 'y', value: 'y' };
    expect(completingValues(graph, { names: ['p3'] }, ['x'], 'y')).toEqual(['n4']);
    expect(completing(graph, facts, { names: ['p3'] }, ['x'], target)).toEqual(['p4']);
    expect(completing(graph, facts, { names: ['p4'] }, ['x'], target)).toEqual(['p3']);
    // A skip connection has no such layer: the value before it completes.
    const skip = graphOf(['a = x', 'b = a', 'c = b a', 'd = c', 'y = d']);
    expect(completing(skip.graph, skip.facts, { names: ['b'] }, ['x'], { ...target, graph: skip.graph })).toEqual([
      'a',
    ]);
  });

  it('are not offered for a block with a skip connection, nor for branches of one value', () => {
    expect(sets(graphOf(['a = x', 'b = a', 'c = b a', 'd = c', 'y = d']))).toEqual([]);
    expect(sets(graphOf(['s = x', 'l = s', 'r = s', 'y = l r']))).toEqual([]);
  });

  it('are not offered where the branches start from the input', () => {
    expect(sets(graphOf(['l = x', 'r = x', 'm = l r', 'y = m']))).toEqual([]);
  });

  const yolox = sharedData('yolox-nano/yolox_nano.onnx');
  it.skipIf(!yolox)('are P3, P4 and P5 of YOLOX, behind the single cuts', async () => {
    const model = await loadModel(yolox as string);
    try {
      const last = (await inspect(model)).layers?.worth.at(-1);
      expect(last?.names).toEqual(['956', '990', '1024']);
      expect(last?.shapes.map((shape) => shape.slice(1))).toEqual([
        [64, 52, 52],
        [128, 26, 26],
        [256, 13, 13],
      ]);
    } finally {
      await model.close();
    }
  });
});
