import { WhereforeError } from '../errors.ts';
import { decodeAttributes, decodeGraph, decodeNode, shortDomain } from './decode-graph.ts';
import type { Source } from './decode-tensor.ts';
import { type Graph, type ModelFunction, type OnnxModel, requiredInputs } from './graph.ts';
import type { Message } from './messages.ts';
import { readMessage, WireFault } from './read-message.ts';
import { recogniseForeign } from './recognise.ts';
import { sortNodes } from './sort.ts';

export interface DecodeOptions {
  /** The file's name in its folder: what errors call it and what `origin` ranges refer to. Default `model.onnx`. */
  readonly fileName?: string;
}

/**
 * Decodes an ONNX file without copying its weights: tensors and byte ranges are views of `bytes`.
 *
 * Nodes that are out of order are sorted. In files of IR version below 4, where every weight is an input too, the
 * weights are taken out of the inputs, as the runtime does. Left out: documentation strings, metadata of nodes and values, training
 * information, quantization annotations; none of them changes what the model computes.
 * @throws WhereforeError `not-onnx` for another kind of file, `malformed-model` for a damaged one (with the byte
 * position where known), `unsupported-model` for what nothing here carries.
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): OnnxModel {
  const fileName = options.fileName ?? 'model.onnx';
  // A plain array, since a view of a Buffer would be a Buffer again.
  const source = { fileName, bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) };
  const proto = parse(source);
  if (!proto.graph) {
    throw new WhereforeError('malformed-model', 'the file has no graph', {
      where: fileName,
      fix: 'check that the file is complete and a model, not a tensor',
    });
  }
  const irVersion = Number(proto.irVersion);
  const graph = decodeGraph(proto.graph, source);
  return {
    irVersion,
    producer: proto.producerName,
    opsets: decodeOpsets(proto.opsetImport, irVersion, fileName),
    graph: irVersion < 4 ? withoutDefaults(graph) : graph,
    functions: proto.functions.map((item) => decodeFunction(item, source)),
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
  };
}

function parse(source: Source): Message<'ModelProto'> {
  const { fileName: where, bytes } = source;
  if (bytes.length === 0)
    throw new WhereforeError('not-onnx', 'the file is empty', { where, fix: 'get the file again' });
  const foreign = recogniseForeign(bytes);
  if (foreign) {
    throw new WhereforeError('not-onnx', 'this is not an ONNX model', { where, got: foreign.name, fix: foreign.fix });
  }
  try {
    return readMessage('ModelProto', bytes);
  } catch (fault) {
    if (!(fault instanceof WireFault)) throw fault;
    // Nearly every model begins with its IR version, a small number in field 1.
    const beginsLikeModel = bytes[0] === 8 && bytes[1] > 0 && bytes[1] < 64;
    const atStart = fault.position < 16 && !fault.path.includes('.') && !(beginsLikeModel && fault.cut);
    const got = `at byte ${fault.position} of ${bytes.length}${fault.path && `, in ${fault.path}`}: ${fault.message}`;
    if (atStart) {
      throw new WhereforeError('not-onnx', 'this is not an ONNX model', { where, got, fix: 'give an .onnx file' });
    }
    throw new WhereforeError('malformed-model', `the file is ${fault.cut ? 'cut short or damaged' : 'damaged'}`, {
      where,
      got,
      fix: 'get or export the file again and compare its size',
    });
  }
}

function withoutDefaults(graph: Graph): Graph {
  return { ...graph, inputs: requiredInputs(graph) };
}

function decodeOpsets(
  imports: readonly Message<'OperatorSetIdProto'>[],
  irVersion: number,
  where: string,
): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of imports) {
    const key = shortDomain(domain);
    const known = opsets.get(key);
    if (known !== undefined && known !== Number(version)) {
      throw new WhereforeError('malformed-model', `operator domain "${domain}" is imported in two versions`, {
        where,
        got: `${known} and ${version}`,
        fix: 'export the model again',
      });
    }
    opsets.set(key, Number(version));
  }
  // Files from before opsets existed (IR version 1 and 2) mean the first one.
  if (opsets.size === 0 && irVersion < 3) opsets.set('', 1);
  if (opsets.size === 0) {
    throw new WhereforeError('malformed-model', 'the file does not say which operator set it uses', {
      where,
      fix: 'export the model again',
    });
  }
  return opsets;
}

function decodeFunction(proto: Message<'FunctionProto'>, source: Source): ModelFunction {
  const where = `${source.fileName}, function "${proto.name}"`;
  const body: Graph = {
    name: proto.name,
    inputs: [],
    outputs: [],
    nodes: proto.node.map((node) => decodeNode(node, source)),
    initializers: new Map(),
    values: new Map(),
  };
  return {
    domain: shortDomain(proto.domain),
    name: proto.name,
    ...(proto.overload ? { overload: proto.overload } : {}),
    inputs: proto.input,
    outputs: proto.output,
    attributes: proto.attribute,
    defaults: decodeAttributes(proto.attributeProto, source, where),
    nodes: sortNodes(body).nodes,
    opsets: decodeOpsets(proto.opsetImport, 0, where),
  };
}
