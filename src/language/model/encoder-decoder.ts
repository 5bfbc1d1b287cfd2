import { WhereforeError } from '../../errors.ts';
import { type Graph, type OnnxModel, requiredInputs } from '../../onnx/graph.ts';
import { renameNode } from '../../onnx/lowering/branches.ts';
import { inputRoles } from './input-roles.ts';

/** What writes behind an encoder, in the graph of both. */
export interface DecoderPart {
  /** Input: the tokens written so far, behind those that it starts with. */
  readonly ids: string;
  /** Tokens that every text starts with. */
  readonly start: readonly number[];
  /** The value that the encoder hands on, `batch × tokens × size`. */
  readonly hidden: string;
}

const prefix = 'decoder/';

/**
 * One model of an encoder and its decoder: the decoder reads what the encoder makes, both read the same mask, and what is
 * asked of the decoder's output can be followed back to the encoder's input.
 * @param decoder without a past
 * @throws WhereforeError `unsupported-model` where their inputs do not fit together
 */
export function joinedModel(
  encoder: OnnxModel,
  decoder: OnnxModel,
  vocabularySize: number,
): { readonly model: OnnxModel; readonly part: Omit<DecoderPart, 'start'> } {
  const inputs = requiredInputs(decoder.graph);
  const given = inputs.filter(({ type, shape }) => type?.startsWith('float') && (shape?.length ?? 3) === 3);
  const [hidden] = encoder.graph.outputs;
  const own = requiredInputs(encoder.graph);
  const roles = inputRoles(encoder.graph, vocabularySize);
  const masks = inputs.filter(({ name }) => /^encoder_attention_mask$/.test(name));
  const rest = inputs.filter((input) => input !== given[0] && !masks.includes(input));
  if (
    given.length !== 1 ||
    encoder.graph.outputs.length < 1 ||
    rest.length !== 1 ||
    (masks.length > 0 && !roles.mask)
  ) {
    throw new WhereforeError('unsupported-model', 'the encoder and the decoder do not fit together', {
      got: `the decoder takes ${inputs.map(({ name }) => `"${name}"`).join(', ')}`,
      expected: 'input_ids, encoder_hidden_states and encoder_attention_mask, with a cache or without',
      fix: 'export both for text-to-text generation',
    });
  }
  for (const [domain, version] of decoder.opsets) {
    const other = encoder.opsets.get(domain) ?? version;
    if (other === version) continue;
    throw new WhereforeError('unsupported-model', 'the encoder and the decoder are of different operator sets', {
      got: `${domain || 'ai.onnx'} ${other} and ${version}`,
      fix: 'export both alike',
    });
  }
  const names = new Map<string, string>([[given[0].name, hidden.name]]);
  if (roles.mask) for (const { name } of masks) names.set(name, roles.mask);
  for (const name of [...valuesOf(decoder.graph), ...rest.map(({ name }) => name)])
    if (!names.has(name)) names.set(name, prefix + name);
  const renamed = (name: string) => names.get(name) ?? name;
  const graph: Graph = {
    name: decoder.graph.name,
    inputs: [...own, ...rest.map((input) => ({ ...input, name: renamed(input.name) }))],
    outputs: decoder.graph.outputs.slice(0, 1).map((output) => ({ ...output, name: renamed(output.name) })),
    nodes: [
      ...encoder.graph.nodes,
      ...decoder.graph.nodes.map((node) => ({ ...renameNode(node, names), name: node.name && prefix + node.name })),
    ],
    initializers: new Map([
      ...encoder.graph.initializers,
      ...[...decoder.graph.initializers.values()].map(
        (weight) => [renamed(weight.name), { ...weight, name: renamed(weight.name) }] as const,
      ),
    ]),
    values: new Map(),
  };
  const opsets = new Map([...encoder.opsets, ...decoder.opsets]);
  const functions = [...encoder.functions, ...decoder.functions];
  return { model: { ...decoder, opsets, functions, graph }, part: { ids: renamed(rest[0].name), hidden: hidden.name } };
}

const valuesOf = ({ nodes, initializers }: Graph): string[] => [
  ...initializers.keys(),
  ...nodes.flatMap(({ outputs }) => outputs.filter(Boolean)),
];

/**
 * The tokens that a decoder starts with, by its settings.
 * @throws WhereforeError `invalid-data` where they do not say so
 */
export function decoderStart(settings: readonly Readonly<Record<string, unknown>>[], where: string): number[] {
  const of = (name: string) => settings.map((one) => one[name]).find((id): id is number => Number.isInteger(id));
  const start = of('decoder_start_token_id') ?? of('bos_token_id');
  if (start === undefined) {
    throw new WhereforeError('invalid-data', 'the settings do not say which token the decoder starts with', {
      where,
      expected: 'decoder_start_token_id in config.json or generation_config.json',
      fix: 'add it',
    });
  }
  const forced = of('forced_bos_token_id');
  return forced === undefined || forced === start ? [start] : [start, forced];
}

/** @throws WhereforeError `unsupported-model` for an encoder–decoder, of which something else is asked than why and text */
export function refuseEncoderDecoder({
  decoder,
  name,
}: {
  readonly decoder?: DecoderPart;
  readonly name: string;
}): void {
  if (!decoder) return;
  throw new WhereforeError('unsupported-model', 'this looks into decoders that read and write one text', {
    where: name,
    got: 'an encoder–decoder',
    fix: 'for encoder–decoders there are `language generate` and `language why`',
  });
}
