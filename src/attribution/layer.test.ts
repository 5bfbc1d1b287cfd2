import { describe, expect, it } from 'vitest';
import type { Facts } from '../autodiff/facts.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { checkLayer, completingValues, isCut, shadowed, unused } from './layer.ts';
import { layersBetween, layersWorthExplaining } from './layers.ts';

/** x → a → b → c → y, with a skip from a to the addition behind c: b and c are bypassed, a and sum are not. */
function residual(): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  builder.op('Relu', ['x'], {}, { outputs: ['a'] });
  builder.op('Tanh', ['a'], {}, { outputs: ['b'] });
  builder.op('Exp', ['b'], {}, { outputs: ['c'] });
  builder.op('Add', ['c', 'a'], {}, { outputs: ['sum'] });
  builder.op('Relu', ['sum'], {}, { outputs: ['y'] });
  builder.output('y', 'float32', [1, 4]);
  return builder.build();
}

/** Three parallel branches of different length, joined at the end. */
function branches(): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  builder.op('Relu', ['x'], {}, { outputs: ['p3'] });
  builder.op('Tanh', ['x'], {}, { outputs: ['q'] });
  builder.op('Exp', ['q'], {}, { outputs: ['p4'] });
  builder.op('Sigmoid', ['q'], {}, { outputs: ['p5'] });
  builder.op('Concat', ['p3', 'p4', 'p5'], { axis: 1 }, { outputs: ['y'] });
  builder.output('y', 'float32', [1, 12]);
  return builder.build();
}

function factsOf(graph: Graph, shape: (name: string) => number[] = () => [1, 4]): Facts {
  const names = ['x', ...graph.nodes.flatMap((node) => node.outputs)];
  return {
    shapes: new Map(names.map((name) => [name, shape(name)])),
    types: new Map(names.map((name) => [name, 'float32'])),
    constants: new Map(),
  };
}

describe('cuts', () => {
  it.each([
    ['a', true],
    ['b', false],
    ['c', false],
    ['sum', true],
    ['y', true],
    ['x', true],
  ])('%s of a residual block: %s', (name, expected) => {
    expect(isCut(residual(), { names: [name] }, ['x'], 'y')).toBe(expected);
  });

  it('a bypassed layer and its skip connection together are one', () => {
    expect(isCut(residual(), { names: ['b', 'a'] }, ['x'], 'y')).toBe(true);
  });

  it('sizes are no path: what only a Shape reads does not bypass a layer', () => {
    const builder = new GraphBuilder(residual());
    builder.op('Shape', ['x'], {}, { outputs: ['size'] });
    builder.op('Reshape', ['y', 'size'], {}, { outputs: ['z'] });
    expect(isCut(builder.build(), { names: ['sum'] }, ['x'], 'z')).toBe(true);
  });

  it('the completing set of a bypassed layer is the skip connection', () => {
    expect(completingValues(residual(), { names: ['b'] }, ['x'], 'y')).toEqual(['a']);
    expect(completingValues(residual(), { names: ['a'] }, ['x'], 'y')).toEqual([]);
  });

  it('the completing set of one branch is the others, nearest to the join', () => {
    expect(completingValues(branches(), { names: ['p3'] }, ['x'], 'y').sort()).toEqual(['q']);
    expect(completingValues(branches(), { names: ['p4'] }, ['x'], 'y').sort()).toEqual(['p3', 'p5']);
  });

  it('where every further value lies behind the layer, only the input completes it', () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [1, 4]);
    builder.op('Relu', ['x'], {}, { outputs: ['a'] });
    builder.op('Add', ['x', 'a'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', [1, 4]);
    expect(completingValues(builder.build(), { names: ['a'] }, ['x'], 'y')).toEqual(['x']);
  });

  it('an unknown layer is an error that offers similar names', () => {
    expect(() => checkLayer(residual(), { names: ['su'] })).toThrow(/no value "su".*perhaps "sum"/);
  });
});

describe('layers between input and output', () => {
  it('agrees with the definition of a cut at every value', () => {
    for (const graph of [residual(), branches()]) {
      for (const layer of layersBetween(graph, factsOf(graph), ['x'], 'y')) {
        expect(layer.isCut, layer.name).toBe(isCut(graph, { names: [layer.name] }, ['x'], 'y'));
      }
    }
  });

  it('leaves out what the output does not need', () => {
    const builder = new GraphBuilder(residual());
    builder.op('Neg', ['a'], {}, { outputs: ['unused'] });
    const graph = builder.build();
    expect(layersBetween(graph, factsOf(graph), ['x'], 'y').map(({ name }) => name)).toEqual([
      'a',
      'b',
      'c',
      'sum',
      'y',
    ]);
  });

  it('keeps some block ends of a long run of one shape', () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [1, 4]);
    let value = 'x';
    for (let i = 1; i <= 6; i++) {
      builder.op('Tanh', [value], {}, { outputs: [`branch${i}`] });
      value = builder.op('Add', [value, `branch${i}`], {}, { outputs: [`block${i}`] });
    }
    builder.op('Relu', [value], {}, { outputs: ['last'] });
    builder.op('Relu', ['last'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', [1]);
    const graph = builder.build();
    const facts = factsOf(graph, (name) => (name === 'y' ? [1] : [1, 4]));
    // Six blocks, three shown from the first on, and the end of the stage.
    expect(layersWorthExplaining(layersBetween(graph, facts, ['x'], 'y')).map(({ name }) => name)).toEqual([
      'block1',
      'block3',
      'block5',
      'last',
    ]);
  });

  it('keeps the last cut of each shape', () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [1, 4]);
    for (const [from, to] of [
      ['x', 'a1'],
      ['a1', 'a2'],
      ['a2', 'b1'],
      ['b1', 'b2'],
      ['b2', 'y'],
    ])
      builder.op('Relu', [from], {}, { outputs: [to] });
    builder.output('y', 'float32', [1]);
    const graph = builder.build();
    const facts = factsOf(graph, (name) => (name.startsWith('a') ? [1, 8] : name.startsWith('b') ? [1, 6] : [1, 4]));
    expect(layersWorthExplaining(layersBetween(graph, facts, ['x'], 'y')).map(({ name }) => name)).toEqual([
      'a2',
      'b2',
    ]);
  });
});

it('a layer names each of its values once', () => {
  expect(() => checkLayer(residual(), { names: ['a', 'b', 'a'] })).toThrow(/names "a" twice/);
  expect(() => checkLayer(residual(), { names: [] })).toThrow(/layer is empty/);
});

it('finds the values that only reach the target through others of the layer', () => {
  const graph = residual();
  // b goes on through c alone; a goes around b and c.
  expect(shadowed(graph, { names: ['b', 'c'] }, 'y')).toEqual(['b']);
  expect(shadowed(graph, { names: ['a', 'c'] }, 'y')).toEqual([]);
  expect(shadowed(graph, { names: ['a', 'sum'] }, 'y')).toEqual(['a']);
  expect(shadowed(graph, { names: ['b'] }, 'y')).toEqual([]);
});

it('tells a value that the target is not computed from', () => {
  const builder = new GraphBuilder();
  for (const name of ['x', 'idle']) builder.input(name, 'float32', [1]);
  builder.op('Neg', ['x'], {}, { outputs: ['y'] });
  builder.output('y', 'float32', [1]);
  const graph = builder.build();
  expect(unused(graph, { names: ['x', 'idle'] }, 'y')).toEqual(['idle']);
  expect(shadowed(graph, { names: ['x', 'idle'] }, 'y')).toEqual([]);
});
