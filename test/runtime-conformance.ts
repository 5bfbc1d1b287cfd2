import { GraphBuilder } from '../src/onnx/builder.ts';
import { decodeModel } from '../src/onnx/decode.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import type { Graph, OnnxModel } from '../src/onnx/graph.ts';
import type { Runtime, Tensors } from '../src/runtime/runtime.ts';
import { convert } from '../src/tensor/convert.ts';
import { type DataType, float32, int64, type Tensor, tensor } from '../src/tensor/tensor.ts';

/** What every runtime must do, by name; a case throws where one does not. Runs in Node and in a page. */
export const conformance: Readonly<Record<string, (runtime: Runtime) => Promise<void>>> = {
  adds: async (runtime) => {
    const session = await runtime.open(adding());
    const { sum } = await values(session.run(fed(), ['sum']));
    same(sum, [11, 22, 33]);
    await session.release();
  },
  'gives back a value that was fed': async (runtime) => {
    const session = await runtime.open(adding());
    same((await values(session.run(fed(), ['same']))).same, [1, 2, 3]);
    await session.release();
  },
  'takes the memory that is given away only once it is done': async (runtime) => {
    const session = await runtime.open(adding());
    const { sum, same: fedAgain } = await values(session.run(fed(), ['sum', 'same'], { transfer: ['a'] }));
    same(sum, [11, 22, 33]);
    same(fedAgain, [1, 2, 3]);
    await session.release();
  },
  'keeps runs that are under way at once apart': async (runtime) => {
    const session = await runtime.open(adding());
    const sums = await Promise.all(
      [1, 2, 3, 4].map(async (a) =>
        values(session.run(new Map([...fed(), ['a', float32([1], [a])], ['b', float32([1], [10])]]), ['sum'])),
      ),
    );
    same(
      sums.map(({ sum }) => Number(sum[0])),
      [11, 12, 13, 14],
    );
    await session.release();
  },
  'carries a value from run to run, and gives copies of it': async (runtime) => {
    const session = await runtime.open(adding());
    const carry = new Map([['sum', 'a']]);
    await session.run(fed(), [], { carry });
    await session.run(new Map([['b', float32([3], [1, 1, 1])]]), [], { carry });
    const first = (await session.read(['a'])).get('a') as Tensor;
    same([...(first.data as Float32Array)], [12, 23, 34]);
    await session.run(new Map([['b', float32([3], [1, 1, 1])]]), [], { carry });
    same([...(first.data as Float32Array)], [12, 23, 34]);
    same(dataOf(await session.read(['a']), 'a'), [13, 24, 35]);
    await session.release();
  },
  ...Object.fromEntries(
    (['int64', 'int32', 'uint8', 'bool', 'float16', 'float64'] as const).map((type) => [`holds ${type}`, holds(type)]),
  ),
  'holds texts': async (runtime) => {
    const session = await runtime.open(identity('string'));
    const given = tensor('string', [2], ['zwölf', '']);
    same(dataOf(await session.run(new Map([['x', given]]), ['y']), 'y'), ['zwölf', '']);
    await session.release();
  },
  'computes nothing of nothing': async (runtime) => {
    const session = await runtime.open(adding());
    const none = float32([0], []);
    const result = (
      await session.run(
        new Map([
          ['a', none],
          ['b', none],
        ]),
        ['sum'],
      )
    ).get('sum');
    same(result?.shape ?? [], [0]);
    await session.release();
  },
  'refers to weights in the memory of the file': async (runtime) => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['n', 64]);
    const weights = builder.constant(
      float32(
        [64, 2],
        Float32Array.from({ length: 128 }, (_, i) => i % 2),
      ),
    );
    builder.output(builder.op('MatMul', ['x', weights], {}, { outputs: ['y'] }), 'float32', ['n', 2]);
    const bytes = encodeModel(modelOf(builder.build()));
    const model = decodeModel(bytes, { fileName: 'model.onnx' });
    const session = await runtime.open(model, { weights: { kind: 'memory', files: new Map([['model.onnx', bytes]]) } });
    const x = float32([1, 64], new Float32Array(64).fill(1));
    same((await values(session.run(new Map([['x', x]]), ['y']))).y, [0, 64]);
    await session.release();
  },
  'refuses an operator that it has not, by name': async (runtime) => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [1]);
    builder.output(builder.op('Nonsense', ['x'], {}, { outputs: ['y'] }), 'float32', [1]);
    await refused(runtime.open(modelOf(builder.build())), 'unsupported-operator', 'Nonsense');
  },
  'refuses shapes that do not fit, and goes on': async (runtime) => {
    const session = await runtime.open(adding());
    await refused(session.run(new Map([...fed(), ['b', float32([2], [1, 2])]]), ['sum']), 'runtime');
    same((await values(session.run(fed(), ['sum']))).sum, [11, 22, 33]);
    await session.release();
  },
  'does not begin what is cancelled': async (runtime) => {
    const session = await runtime.open(adding());
    await refused(session.run(fed(), ['sum'], { signal: AbortSignal.abort() }), 'cancelled');
    await session.release();
  },
  'refuses to run what was released': async (runtime) => {
    const session = await runtime.open(adding());
    await session.release();
    await refused(session.run(fed(), ['sum']), 'runtime');
  },
};

function modelOf(graph: Graph): OnnxModel {
  return { irVersion: 10, producer: '', opsets: new Map([['', 20]]), graph, functions: [], metadata: new Map() };
}

/** `sum = a + b`, and a itself. */
function adding(): OnnxModel {
  const builder = new GraphBuilder();
  for (const name of ['a', 'b']) builder.input(name, 'float32', ['n']);
  builder.output(builder.op('Add', ['a', 'b'], {}, { outputs: ['sum'] }), 'float32', ['n']);
  builder.output(builder.op('Identity', ['a'], {}, { outputs: ['same'] }), 'float32', ['n']);
  return modelOf(builder.build());
}

function identity(type: DataType): OnnxModel {
  const builder = new GraphBuilder();
  builder.input('x', type, ['n']);
  builder.output(builder.op('Identity', ['x'], {}, { outputs: ['y'] }), type, ['n']);
  return modelOf(builder.build());
}

/** Whether numbers of a type come back as they went. */
function holds(type: Exclude<DataType, 'string'>) {
  return async (runtime: Runtime) => {
    const given = type === 'int64' ? int64([3], [1n, -(2n ** 60n), 0n]) : convert(float32([3], [1, 0, 1]), type);
    const session = await runtime.open(identity(type));
    const found = (await session.run(new Map([['x', given]]), ['y'])).get('y');
    if (found?.type !== type) throw new Error(`${found?.type} came back for ${type}`);
    same([...(found.data as Float32Array)].map(String), [...(given.data as Float32Array)].map(String));
    await session.release();
  };
}

const fed = (): Tensors =>
  new Map([
    ['a', float32([3], [1, 2, 3])],
    ['b', float32([3], [10, 20, 30])],
  ]);

async function values(run: Promise<ReadonlyMap<string, Tensor>>): Promise<Record<string, number[]>> {
  return Object.fromEntries([...(await run)].map(([name, { data }]) => [name, [...(data as Float32Array)]]));
}

function dataOf(tensors: ReadonlyMap<string, Tensor>, name: string): unknown[] {
  const found = tensors.get(name);
  if (!found) throw new Error(`"${name}" did not come back`);
  return [...(found.data as Float32Array)];
}

function same(found: readonly unknown[], expected: readonly unknown[]): void {
  if (found.length === expected.length && found.every((one, i) => Object.is(one, expected[i]))) return;
  throw new Error(`[${found.join(', ')}] instead of [${expected.join(', ')}]`);
}

async function refused(work: Promise<unknown>, code: string, word = ''): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown as { code?: string; message?: string },
  );
  if (error?.code === code && error.message?.includes(word)) return;
  throw new Error(error ? `refused with ${error.code}: ${error.message}` : 'was not refused');
}
