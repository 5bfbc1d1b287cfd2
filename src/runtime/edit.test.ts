import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { float32, tensor } from '../tensor/tensor.ts';
import { type ValueEdit, withEdits } from './edit.ts';
import { createModel } from './model.ts';
import { createNodeRuntime } from './node.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** h = 2 x, y = h + h²: for x = (1, 3), h = (2, 6) and y = (6, 42). */
function model() {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [2]);
  builder.op('Mul', ['x', builder.scalar(2)], {}, { outputs: ['h'] });
  builder.op('Add', ['h', builder.op('Mul', ['h', 'h'])], {}, { outputs: ['y'] });
  builder.output('y', 'float32', [2]);
  const file = { irVersion: 9, producer: '', opsets: new Map([['', 20]]), functions: [], metadata: new Map() };
  return createModel({ ...file, graph: builder.build() }, runtime, { name: 'small', hash: '' });
}

describe('edits of values', () => {
  it.each<[string, Record<string, ValueEdit>, number[]]>([
    ['add', { h: { kind: 'add', value: float32([1], [1]) } }, [12, 56]],
    ['scale', { h: { kind: 'scale', factor: 0.5 } }, [2, 12]],
    ['replace', { h: { kind: 'replace', value: float32([2], [1, 0]) } }, [2, 0]],
    [
      'replace somewhere',
      { h: { kind: 'replace', value: float32([1], [1]), where: tensor('bool', [2], Uint8Array.of(0, 1)) } },
      [6, 2],
    ],
    ['ablate', { h: { kind: 'ablate' } }, [0, 0]],
    ['ablate somewhere', { h: { kind: 'ablate', where: tensor('bool', [2], Uint8Array.of(1, 0)) } }, [0, 42]],
    [
      'an output, and two values at once',
      { h: { kind: 'scale', factor: 0 }, y: { kind: 'add', value: float32([], [7]) } },
      [7, 7],
    ],
  ])('%s: every reader sees it', async (_, edits, expected) => {
    const edited = withEdits(model(), edits);
    const results = await edited.executor.run(edited.graph, new Map([['x', float32([2], [1, 3])]]), ['y']);
    expect([...(results.get('y')?.data as Float32Array)]).toEqual(expected);
  });

  it('leave the model as it was, and refuse what no node makes', async () => {
    const plain = model();
    withEdits(plain, { h: { kind: 'ablate' } });
    const results = await plain.executor.run(plain.graph, new Map([['x', float32([2], [1, 3])]]), ['y']);
    expect([...(results.get('y')?.data as Float32Array)]).toEqual([6, 42]);
    expect(() => withEdits(plain, { x: { kind: 'ablate' } })).toThrow(/no node.*"x"/);
  });
});
