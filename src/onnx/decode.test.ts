import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ModelProtoSchema, TensorProto_DataLocation, type TensorProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { WhereforeError } from '../errors.ts';
import { type DataType, dataTypes, float32, int64, storageLength, type Tensor, tensor } from '../tensor/tensor.ts';
import { GraphBuilder } from './builder.ts';
import { dataTypeCodes } from './data-types.ts';
import { decodeModel } from './decode.ts';
import { encodeModel } from './encode.ts';
import { type Graph, intAttribute, type OnnxModel } from './graph.ts';
import { readInitializer } from './initializer.ts';
import { validateModel } from './validate.ts';

type TensorInit = NonNullable<Parameters<typeof create<typeof TensorProtoSchema>>[1]>;

function modelOf(graph: Graph, more: Partial<OnnxModel> = {}): OnnxModel {
  const opsets = new Map([['', 17]]);
  return { irVersion: 8, producer: 'test', opsets, graph, functions: [], metadata: new Map(), ...more };
}

/** A protobuf file with one initializer, written as given. */
function fileWith(initializer: TensorInit): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: { name: 'g', initializer: [{ name: 'w', ...initializer }] },
  });
  return toBinary(ModelProtoSchema, model);
}

function onlyWeight(bytes: Uint8Array): Tensor {
  const [initializer] = decodeModel(bytes).graph.initializers.values();
  return readInitializer(initializer);
}

function errorOf(action: () => unknown): WhereforeError {
  try {
    action();
  } catch (error) {
    if (error instanceof WhereforeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function smallModel(metadata = new Map<string, string>()): Uint8Array {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 3]);
  const weights = builder.initializer('w', float32([3, 2], [1, 2, 3, 4, 5, 6]));
  const product = builder.op('MatMul', ['x', weights]);
  const sliced = builder.op('Slice', [product, builder.ints([0]), builder.ints([2 ** 63]), builder.ints([1])]);
  builder.output(builder.op('LeakyRelu', [sliced], { alpha: { float: 0.25 } }), 'float32', ['batch', 2]);
  return encodeModel(modelOf(builder.build(), { metadata }));
}

/** Two elements of each type as its typed field stores them. */
const typed: [DataType, TensorInit, Tensor['data']][] = [
  ['float32', { floatData: [1.5, -2] }, new Float32Array([1.5, -2])],
  ['float64', { doubleData: [0.1, 2] }, new Float64Array([0.1, 2])],
  ['float16', { int32Data: [0x3c00, 0xc000] }, new Uint16Array([0x3c00, 0xc000])],
  ['bfloat16', { int32Data: [0x3f80, 0xbf80] }, new Uint16Array([0x3f80, 0xbf80])],
  ['int8', { int32Data: [-128, 127] }, new Int8Array([-128, 127])],
  ['uint8', { int32Data: [0, 255] }, new Uint8Array([0, 255])],
  ['int16', { int32Data: [-5, 5] }, new Int16Array([-5, 5])],
  ['uint16', { int32Data: [0, 65535] }, new Uint16Array([0, 65535])],
  ['int32', { int32Data: [-5, 5] }, new Int32Array([-5, 5])],
  ['uint32', { uint64Data: [1n, 4294967295n] }, new Uint32Array([1, 4294967295])],
  ['int64', { int64Data: [-1n, 2n ** 63n - 1n] }, new BigInt64Array([-1n, 2n ** 63n - 1n])],
  ['uint64', { uint64Data: [1n, 2n ** 64n - 1n] }, new BigUint64Array([1n, 2n ** 64n - 1n])],
  ['bool', { int32Data: [1, 0] }, new Uint8Array([1, 0])],
  ['int4', { int32Data: [0x7f] }, new Uint8Array([0x7f])],
  ['uint4', { int32Data: [0x21] }, new Uint8Array([0x21])],
  ['int2', { int32Data: [0x0e] }, new Uint8Array([0x0e])],
  ['float8e4m3fn', { int32Data: [0x38, 0xb8] }, new Uint8Array([0x38, 0xb8])],
  ['complex64', { floatData: [1, 2, 3, 4] }, new Float32Array([1, 2, 3, 4])],
  ['string', { stringData: [new TextEncoder().encode('ä'), new Uint8Array()] }, ['ä', '']],
];

describe('weights', () => {
  it('are views of the file with their byte range', () => {
    const bytes = smallModel();
    const initializer = decodeModel(bytes, { fileName: 'net.onnx' }).graph.initializers.get('w');
    const { path, offset, length } = initializer?.origin ?? { path: '', offset: 0, length: 0 };
    expect([path, length]).toEqual(['net.onnx', 24]);
    expect(new Float32Array(bytes.slice(offset, offset + length).buffer)).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    const view = initializer?.location.kind === 'bytes' ? initializer.location.bytes : undefined;
    const data = initializer?.location.kind === 'memory' ? initializer.location.tensor.data : view;
    expect((data as Uint8Array).buffer).toBe(bytes.buffer);
  });

  it.each([0, 1, 2, 3])('are read from a file that begins %i bytes into its buffer', (shift) => {
    const bytes = smallModel();
    const shifted = new Uint8Array(bytes.length + shift);
    shifted.set(bytes, shift);
    const { graph } = decodeModel(shifted.subarray(shift));
    const weight = graph.initializers.get('w');
    expect(weight && readInitializer(weight)).toEqual(float32([3, 2], [1, 2, 3, 4, 5, 6]));
  });

  it.each(typed)('of type %s are read from the field of their type', (type, fields, data) => {
    const decoded = onlyWeight(fileWith({ dataType: dataTypeCodes[type], dims: [2n], ...fields }));
    expect(decoded).toEqual({ type, shape: [2], data });
  });

  it('in another file are left there until somebody reads them', () => {
    const external = { location: 'parts/w.bin', offset: '4096', length: '8' };
    const bytes = fileWith({
      dataType: 1,
      dims: [2n],
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(external).map(([key, value]) => ({ key, value })),
    });
    const weight = decodeModel(bytes).graph.initializers.get('w');
    if (!weight) throw new Error('no weight');
    expect(weight.location).toEqual({ kind: 'file', path: 'parts/w.bin', offset: 4096, length: 8 });
    const read = readInitializer(weight, (path, offset, length) => {
      expect([path, offset, length]).toEqual(['parts/w.bin', 4096, 8]);
      return new Uint8Array(new Float32Array([7, 8]).buffer);
    });
    expect(read).toEqual(float32([2], [7, 8]));
    expect(errorOf(() => readInitializer(weight)).code).toBe('invalid-argument');
    expect(errorOf(() => readInitializer(weight, () => new Uint8Array(3))).code).toBe('file-unreadable');
  });

  it.each(['/etc/passwd', '../secret', 'a/../../b', 'C:\\x', '..\\x', '\\\\host\\x', '', '*/_ORT_MEM_ADDR_/*'])(
    'outside the folder of the model are refused: "%s"',
    (location) => {
      const bytes = fileWith({
        dataType: 1,
        dims: [1n],
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: [{ key: 'location', value: location }],
      });
      const error = errorOf(() => decodeModel(bytes));
      expect(error.code).toBe('malformed-model');
      expect(error.message).toMatch(/initializer "w": its external data lies outside the folder of the model/);
    },
  );

  it('stored sparse become dense', () => {
    const sparse = {
      dims: [2n, 3n],
      values: { name: 's', dataType: 1, dims: [2n], floatData: [5, 6] },
    };
    const flat = fileWith({ dataType: 1, dims: [0n], rawData: new Uint8Array() });
    const withSparse = (indices: TensorInit) => {
      const graph = { name: 'g', sparseInitializer: [{ ...sparse, indices }] };
      const init = { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph };
      return onlyWeight(toBinary(ModelProtoSchema, create(ModelProtoSchema, init)));
    };
    const expected = float32([2, 3], [0, 5, 0, 0, 0, 6]);
    expect(withSparse({ dataType: 7, dims: [2n], int64Data: [1n, 5n] })).toEqual(expected);
    expect(withSparse({ dataType: 7, dims: [2n, 2n], int64Data: [0n, 1n, 1n, 2n] })).toEqual(expected);
    expect(onlyWeight(flat).data).toHaveLength(0);
  });

  it('that do not fill their shape are refused with both sizes', () => {
    expect(
      errorOf(() => decodeModel(fileWith({ dataType: 1, dims: [3n], rawData: new Uint8Array(8) }))).message,
    ).toMatch(/initializer "w": the data does not fill the float32 tensor of shape 3 \(got 8 bytes, expected 12\)/);
    const huge = fileWith({ dataType: 1, dims: [2n ** 31n, 2n ** 31n], floatData: [1] });
    expect(errorOf(() => decodeModel(huge)).message).toMatch(/impossible shape/);
    const negative = fileWith({ dataType: 1, dims: [-1n], floatData: [1] });
    expect(errorOf(() => decodeModel(negative)).message).toMatch(/impossible shape/);
    expect(errorOf(() => decodeModel(fileWith({ dataType: 99, dims: [] }))).code).toBe('unsupported-model');
  });
});

describe('decoding and encoding', () => {
  it('keeps the small model', () => {
    const metadata = new Map([['author', 'nobody']]);
    const model = decodeModel(smallModel(metadata));
    expect(model.metadata).toEqual(metadata);
    expect(model.graph.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 3] }]);
    expect(model.graph.nodes.map((node) => node.op)).toEqual(['MatMul', 'Slice', 'LeakyRelu']);
    expect(model.graph.nodes[2].attributes).toEqual({ alpha: { kind: 'float', value: 0.25 } });
    expect(encodeModel(model)).toEqual(smallModel(metadata));
  });

  it('keeps every element type', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(dataTypes) as DataType[]).filter((type) => type !== 'string')),
        fc.array(fc.nat(3), { maxLength: 3 }),
        fc.infiniteStream(fc.nat(255)),
        (type, shape, stream) => {
          const bytes = new Uint8Array(storageLength(type, shape) * dataTypes[type].array.BYTES_PER_ELEMENT);
          for (let i = 0; i < bytes.length; i++) bytes[i] = stream.next().value as number;
          const value = { type, shape, data: new dataTypes[type].array(bytes.buffer, 0, storageLength(type, shape)) };
          const builder = new GraphBuilder();
          builder.initializer('w', value as Tensor);
          const decoded = onlyWeight(encodeModel(modelOf(builder.build())));
          expect([decoded.type, decoded.shape]).toEqual([type, shape]);
          expect(new Uint8Array((decoded.data as Uint8Array).slice().buffer)).toEqual(bytes);
        },
      ),
    );
  });

  it('refers to weights instead of copying them, small ones excepted', () => {
    const builder = new GraphBuilder();
    builder.initializer('large', float32([1000], new Float32Array(1000).fill(1)));
    builder.initializer('small', int64([2], [1, 2]));
    const file = encodeModel(modelOf(builder.build()));
    const patched = new GraphBuilder(decodeModel(file, { fileName: 'net.onnx' }).graph);
    patched.initializer('added', float32([1000], new Float32Array(1000).fill(2)));
    const bytes = encodeModel(modelOf(patched.build()), { weights: 'reference' });
    const { initializers } = decodeModel(bytes).graph;
    const large = initializers.get('large');
    expect(large?.location.kind).toBe('file');
    expect(large && readInitializer(large, (_, offset, length) => file.subarray(offset, offset + length)).data).toEqual(
      new Float32Array(1000).fill(1),
    );
    expect(initializers.get('small')?.location.kind).not.toBe('file');
    expect(initializers.get('added')?.location.kind).not.toBe('file');
    expect(bytes.length).toBeLessThan(4500);
  });

  it('keeps the largest integers, and carries those that a number cannot hold', () => {
    const attribute = (i: bigint) => ({ name: 'axis', type: 2, i });
    const file = (i: bigint) => {
      const node = [{ opType: 'Custom', attribute: [attribute(i)], output: ['y'] }];
      const init = { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph: { name: 'g', node } };
      return toBinary(ModelProtoSchema, create(ModelProtoSchema, init));
    };
    for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n - 1n, 0n, -1n]) {
      const model = decodeModel(file(value));
      expect(intAttribute(model.graph.nodes[0], 'axis')).toBe(Number(value));
      expect(decodeModel(encodeModel(model)).graph.nodes[0].attributes.axis).toEqual({
        kind: 'int',
        value: Number(value),
      });
    }
    const carried = decodeModel(file(2n ** 60n + 1n));
    expect(carried.graph.nodes[0].attributes.axis.kind).toBe('opaque');
    expect(decodeModel(encodeModel(carried)).graph.nodes).toEqual(carried.graph.nodes);
  });

  it('refuses attributes that do not fit', () => {
    const builder = new GraphBuilder();
    builder.op('Relu', [], { axis: 1.5 });
    expect(errorOf(() => encodeModel(modelOf(builder.build()))).message).toMatch(
      /node "Relu" \(Relu\), attribute "axis": the attribute must be an integer \(got 1.5\)/,
    );
    const wide = new GraphBuilder();
    wide.op('LeakyRelu', [], { alpha: { float: 1e300 } });
    expect(errorOf(() => encodeModel(modelOf(wide.build()))).message).toMatch(/does not fit into float32/);
  });

  it('sorts nodes that are out of order and names a cycle', () => {
    const nodes = (pairs: [string, string][]) =>
      pairs.map(([from, to]) => ({ op: 'Neg', domain: '', name: to, inputs: [from], outputs: [to], attributes: {} }));
    const base = new GraphBuilder();
    base.input('x', 'float32', []);
    const disordered = {
      ...base.build(),
      nodes: nodes([
        ['b', 'c'],
        ['a', 'b'],
        ['x', 'a'],
        ['x', 'd'],
      ]),
    };
    const decoded = decodeModel(encodeModel(modelOf(disordered)));
    expect(decoded.graph.nodes.map((node) => node.name)).toEqual(['a', 'b', 'c', 'd']);
    const cyclic = {
      ...base.build(),
      nodes: nodes([
        ['b', 'a'],
        ['a', 'b'],
      ]),
    };
    const error = errorOf(() => decodeModel(encodeModel(modelOf(cyclic))));
    expect(error.message).toMatch(/cycle \(got node "a" \(Neg\) → node "b" \(Neg\)/);
  });
});

describe('files that are not models', () => {
  const text = (value: string) => new TextEncoder().encode(value);
  const cases: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(), /the file is empty/],
    ['a PyTorch file', text('PK\x03\x04\0\0\0\0archive/data.pkl'), /zip archive.*torch\.onnx\.export/],
    ['an old PyTorch file', new Uint8Array([0x80, 2, 0x8a, 10]), /pickle.*torch\.onnx\.export/],
    ['TensorFlow Lite', text('\x1c\0\0\0TFL3\0\0'), /TensorFlow Lite.*tf2onnx/],
    ['an .ort file', text('\x1c\0\0\0ORTM\0\0'), /\.ort format/],
    ['safetensors', text('\x40\0\0\0\0\0\0\0{"w":{"dtype":"F32"}}'), /safetensors/],
    ['HTML', text('\n<!DOCTYPE html><html><body>Not found'), /HTML page.*download/],
    ['JSON', text('{"a": 1}'), /JSON/],
    ['text', text('hello world, this is text'), /got a text/],
    ['a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'), /git lfs pull/],
    ['an image', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), /PNG/],
    ['noise', new Uint8Array([0xff, 0x12, 0x9c, 0x00, 0x41, 0x17]), /byte 0 of 6/],
  ];
  it.each(cases)('%s', (_, bytes, message) => {
    const error = errorOf(() => decodeModel(bytes, { fileName: 'given.onnx' }));
    expect(error.code).toBe('not-onnx');
    expect(error.message).toMatch(/^given\.onnx: /);
    expect(error.message).toMatch(message);
    expect(error.details.fix).toBeTruthy();
  });

  it('a model that is cut short: says where', () => {
    // 8 bytes before the graph: ir_version, producer_name. Its length, 2 bytes, begins at byte 9.
    const error = errorOf(() => decodeModel(smallModel().subarray(0, 100)));
    expect(error.code).toBe('malformed-model');
    expect(error.message).toMatch(/at byte 9 of 100, in graph: a field of \d+ bytes does not fit into the 89 bytes/);
  });

  it('a tensor file, a file without a graph, one without an operator set', () => {
    const graphless = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, producerName: 'p' }));
    expect(errorOf(() => decodeModel(graphless)).message).toMatch(/no graph/);
    const bare = create(ModelProtoSchema, { irVersion: 8n, graph: { name: 'g' } });
    expect(errorOf(() => decodeModel(toBinary(ModelProtoSchema, bare))).message).toMatch(/which operator set/);
    // A TensorProto: dims 3, data_type 1, raw_data.
    expect(errorOf(() => decodeModel(new Uint8Array([8, 3, 16, 1, 74, 2, 0, 0]))).code).toBe('not-onnx');
  });

  it('graphs nested too deeply', () => {
    let graph = new GraphBuilder().build();
    for (let depth = 0; depth < 60; depth++) {
      const node = { op: 'If', domain: '', name: '', inputs: [], outputs: [`y${depth}`] };
      graph = { ...graph, nodes: [{ ...node, attributes: { body: { kind: 'graph', value: graph } } }] };
    }
    expect(errorOf(() => decodeModel(encodeModel(modelOf(graph)))).message).toMatch(/nested more than 100 deep/);
  });
});

describe('damaged files', () => {
  const attempt = (bytes: Uint8Array) => {
    try {
      const model = decodeModel(bytes);
      validateModel(model);
      for (const item of model.graph.initializers.values()) if (item.location.kind !== 'file') readInitializer(item);
      encodeModel(model);
    } catch (error) {
      // Anything but a WhereforeError is a crash.
      if (!(error instanceof WhereforeError)) throw error;
      expect(error.code).toMatch(/^(not-onnx|malformed-model|unsupported-model)$/);
      expect(error.message.length).toBeLessThan(1000);
    }
  };
  const whole = smallModel();
  const files = [
    whole,
    ...typed.map(([type, fields]) => fileWith({ dataType: dataTypeCodes[type], dims: [2n], ...fields })),
  ];

  it('cut anywhere never decode', () => {
    for (let length = 0; length < whole.length; length++) {
      const error = errorOf(() => decodeModel(whole.slice(0, length)));
      expect(error.code).toMatch(/^(not-onnx|malformed-model)$/);
    }
  });

  it('with changed bytes decode or are refused', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...files), edits, (file, changes) => {
        const bytes = file.slice();
        for (const [position, value] of changes) bytes[position % bytes.length] = value;
        attempt(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('of noise are refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt), { numRuns: 1000 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (noise) =>
        attempt(new Uint8Array([8, 8, 0x3a, noise.length, ...noise])),
      ),
      { numRuns: 1000 },
    );
  });

  it('with zero-filled weights keep their shape', () => {
    expect(onlyWeight(fileWith({ dataType: 1, dims: [2n], rawData: new Uint8Array(8) }))).toEqual(
      tensor('float32', [2]),
    );
  });
});
