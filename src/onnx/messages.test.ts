import { type DescField, type DescMessage, fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { type FieldFacts, fieldsOf, hasField, type Message, type MessageName, messages } from './messages.ts';
import { readMessage, WireFault } from './read-message.ts';
import { writeMessage } from './write-message.ts';

// The codec of protobuf-es, with its own copy of onnx.proto, is the independent one.

const names = Object.keys(messages) as MessageName[];

/** The declared message behind each name of the table, by following fields from the model. */
function declared(): Map<MessageName, DescMessage> {
  const found = new Map<MessageName, DescMessage>([['ModelProto', ModelProtoSchema]]);
  for (const [name, schema] of found)
    for (const { name: field, message } of fieldsOf(name)) {
      const nested = (schema.field[field] as DescField & { readonly message?: DescMessage }).message;
      if (message && nested && !found.has(message)) found.set(message, nested);
    }
  return found;
}

const schemas = declared();
const schemaOf = (name: MessageName) => schemas.get(name) as DescMessage;

describe('the table of messages', () => {
  it.each(names)('%s agrees with onnx.proto', (name) => {
    const numbers = fieldsOf(name).map(({ number }) => number);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    for (const { name: field, number, scalar, times } of fieldsOf(name)) {
      const known = schemaOf(name).field[field];
      const type = known.scalar === undefined ? known.enum && 'int32' : ScalarType[known.scalar].toLowerCase();
      const list = known.fieldKind === 'list' ? (known.packed ? 'packed' : 'many') : undefined;
      expect({ field, number, scalar, times }).toEqual({
        field,
        number: known.number,
        scalar: type,
        times: list ?? (known.oneof ? 'choice' : undefined),
      });
    }
  });
});

const scalars = {
  int64: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  uint64: fc.bigInt(0n, 2n ** 64n - 1n),
  int32: fc.integer(),
  float: fc.float({ noNaN: true }),
  double: fc.double({ noNaN: true }),
  string: fc.string({ unit: 'binary' }),
  bytes: fc.uint8Array(),
} as const;

/** A message with some of its fields, nested ones a few levels deep. */
function anyMessage(name: MessageName, depth: number): fc.Arbitrary<object> {
  const value = ({ scalar, message }: FieldFacts): fc.Arbitrary<unknown> =>
    scalar ? scalars[scalar] : anyMessage(message as MessageName, depth - 1);
  const fields = fieldsOf(name).filter(({ scalar }) => scalar || depth > 0);
  const isList = ({ times }: FieldFacts) => times !== undefined && times !== 'choice';
  const record = fc.record(
    Object.fromEntries(
      fields.map((field) => [
        field.name,
        isList(field) ? fc.array(value(field), { minLength: 1, maxLength: 3 }) : value(field),
      ]),
    ),
    { requiredKeys: [] },
  );
  const choices = fields.filter(({ times }) => times === 'choice').map((field) => field.name);
  return record.map((message) => {
    const [, ...others] = choices.filter((one) => one in message);
    return Object.fromEntries(Object.entries(message).filter(([key]) => !others.includes(key)));
  });
}

/** The fields of the file, without the defaults behind them. */
const own = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(own);
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, own(held)]));
};

describe('messages', () => {
  // A closed enumeration of protobuf-es drops numbers that it does not know: those stay apart.
  const enums = new Set(['AttributeProto', 'TensorProto']);
  it.each(names)('%s is written as protobuf-es writes it, and read again', (name) => {
    const arbitrary = anyMessage(name, enums.has(name) ? 0 : 2);
    fc.assert(
      fc.property(arbitrary, (message) => {
        const bytes = writeMessage(name, message);
        expect(own(readMessage(name, bytes))).toEqual(message);
        const schema = schemaOf(name);
        const theirs = fromBinary(schema, bytes, { readUnknownFields: true });
        // Unknown numbers of an enumeration come last there: lengths and content agree all the same.
        expect([...toBinary(schema, theirs)].sort()).toEqual([...bytes].sort());
      }),
      { numRuns: 60 },
    );
  });

  it('have the defaults of their types where the file has nothing', () => {
    const { name, f, ints, t, s } = readMessage('AttributeProto', new Uint8Array());
    expect({ name, f, ints, t, s }).toEqual({ name: '', f: 0, ints: [], t: undefined, s: new Uint8Array() });
    expect(hasField(readMessage('AttributeProto', new Uint8Array()), 'f')).toBe(false);
    // f = 0 that is written: tag 2 · 8 + 5, four bytes.
    expect(hasField(readMessage('AttributeProto', Uint8Array.of(21, 0, 0, 0, 0)), 'f')).toBe(true);
  });

  it('take lists of numbers packed and one by one', () => {
    // ints: field 8. Packed: tag 66, 3 bytes: 1, 300 as AC 02. One by one: tag 64.
    const ints = (...bytes: number[]) => readMessage('AttributeProto', Uint8Array.from(bytes)).ints;
    expect(ints(66, 3, 1, 0xac, 2)).toEqual([1n, 300n]);
    expect(ints(64, 1, 64, 0xac, 2)).toEqual([1n, 300n]);
    expect(ints(64, 1, 66, 1, 2)).toEqual([1n, 2n]);
  });

  it('add to a message that comes twice, and keep the last of a choice', () => {
    // graph { name: "a" } graph { node {} }: fields 7, 2, 1.
    const { graph } = readMessage('ModelProto', Uint8Array.of(58, 3, 18, 1, 97, 58, 2, 10, 0));
    expect([graph?.name, graph?.node.length]).toEqual(['a', 1]);
    // dim_value 5, then dim_param "n".
    const dimension = readMessage('Dimension', Uint8Array.of(8, 5, 18, 1, 110));
    expect([dimension.dimValue, dimension.dimParam]).toEqual([undefined, 'n']);
  });

  it('say where the bytes stop making sense', () => {
    const faultOf = (...bytes: number[]) => {
      try {
        readMessage('ModelProto', Uint8Array.from(bytes));
      } catch (error) {
        if (error instanceof WireFault) return { at: error.position, path: error.path, cut: error.cut };
        throw error;
      }
      return undefined;
    };
    expect(faultOf(58, 9, 10)).toEqual({ at: 1, path: 'graph', cut: true });
    expect(faultOf(58, 4, 10, 2, 26, 7)).toEqual({ at: 5, path: 'graph.node[0].name', cut: true });
    expect(faultOf(58, 2, 8, 1)).toEqual({ at: 2, path: 'graph.node[0]', cut: false });
    expect(faultOf(8, ...new Array(10).fill(255), 1)).toEqual({ at: 1, path: 'ir_version', cut: false });
    expect(faultOf(0)).toEqual({ at: 0, path: '', cut: false });
    expect(faultOf(11)).toEqual({ at: 0, path: 'ir_version', cut: false });
    expect(faultOf(251, 1)).toEqual({ at: 0, path: '', cut: false });
  });

  it('end at bytes that are cut anywhere, or are whole without the rest', () => {
    const node = { input: ['a', 'b'], opType: 'Add', attribute: [{ name: 'k', ints: [1n, 2n], type: 7 }] };
    const bytes = writeMessage('ModelProto', { irVersion: 8n, graph: { name: 'g', node: [node] } });
    for (let length = 0; length < bytes.length; length++) {
      let found: Message<'ModelProto'> | undefined;
      try {
        found = readMessage('ModelProto', bytes.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(WireFault);
      }
      if (found) expect(found.graph).toBeUndefined();
    }
  });
});
