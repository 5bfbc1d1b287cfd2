import { WhereforeError } from '../../errors.ts';
import { type Graph, type Node, operatorKey, requiredInputs } from '../../onnx/graph.ts';
import { traitsOf } from '../../onnx/operators.ts';

/** What the inputs of a language model are, by what its graph does with them. */
export interface InputRoles {
  /** Token ids. */
  readonly ids: string;
  /** 1 for tokens that count, 0 for padding. */
  readonly mask?: string;
  /** Where each token stands. */
  readonly positions?: string;
  /** Which of two texts each token belongs to; fed with zeros. */
  readonly types?: string;
  /** The value that holds the vectors of the tokens, `batch×sequence×size`. */
  readonly embedding: string;
}

/** What becomes of an input: the tables that it picks rows of, and whether it is counted into angles. */
interface Use {
  readonly name: string;
  readonly tables: readonly { readonly rows: number; readonly output: string }[];
  readonly turns: boolean;
}

/** Rows of a table for the kinds of texts, of which there are few. */
const mostTypes = 4;

/**
 * Finds which input is which. Token ids pick rows of the table with as many rows as the vocabulary has tokens; positions
 * pick rows of another table or become angles; what is left is the mask.
 * @throws WhereforeError `unsupported-model` where no input is read as token ids, or one is of no known kind
 */
export function inputRoles(graph: Graph, vocabularySize: number): InputRoles {
  const inputs = requiredInputs(graph);
  const foreign = inputs.find(
    ({ type, shape }) => (type !== 'int64' && type !== 'int32') || (shape && shape.length !== 2),
  );
  if (foreign) throw unknownInput(foreign.name);
  const uses = inputs.map(({ name }) => useOf(graph, name));
  const distance = (rows: number) => (rows < vocabularySize ? Number.POSITIVE_INFINITY : rows - vocabularySize);
  const candidates = uses.flatMap(({ name, tables }) => tables.map((table) => ({ name, ...table })));
  const ids = candidates.sort((a, b) => distance(a.rows) - distance(b.rows))[0];
  if (!ids || !Number.isFinite(distance(ids.rows))) {
    throw new WhereforeError('unsupported-model', 'no input picks rows of a table of token vectors', {
      got: inputs.map(({ name }) => `"${name}"`).join(', '),
      expected: `a Gather from a table of at least ${vocabularySize} rows, one for each token`,
    });
  }
  const others = uses.filter(({ name }) => name !== ids.name);
  const few = ({ tables }: Use) => tables.length > 0 && tables.every(({ rows }) => rows <= mostTypes);
  const types = others.find(few);
  const positions = others.find((use) => use !== types && (use.tables.length > 0 || use.turns));
  const rest = others.filter((use) => use !== types && use !== positions);
  if (rest.length > 1) throw unknownInput(rest[1].name);
  return {
    ids: ids.name,
    embedding: ids.output,
    mask: rest[0]?.name,
    positions: positions?.name,
    types: types?.name,
  };
}

const unknownInput = (name: string) =>
  new WhereforeError('unsupported-model', `what the input "${name}" of the language model takes is not known`, {
    expected: 'token ids, a mask, positions, types of token: whole numbers, batch×sequence',
    fix: 'export the model for text generation with these inputs alone',
  });

/** Follows an input as far as its own numbers go. */
function useOf(graph: Graph, name: string): Use {
  const followed = new Set([name]);
  const angles = new Set<string>();
  const tables: Use['tables'][number][] = [];
  let turns = false;
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    const key = operatorKey(node);
    const read = node.inputs.filter((input) => followed.has(input) || angles.has(input));
    if (read.length === 0) continue;
    if (key === 'Gather' && followed.has(node.inputs[1])) {
      const rows = rowsOf(graph, node.inputs[0]);
      const vectors = isStored(graph, node.inputs[0]) ? dequantized(graph, output) : output;
      if (rows !== undefined && vectors !== undefined) tables.push({ rows, output: vectors });
      continue;
    }
    if (key === 'Cos' || key === 'Sin') turns ||= read.some((input) => angles.has(input));
    else if (key === 'Cast' && isReal(node)) angles.add(output);
    else if (read.some((input) => angles.has(input)) && isAngle(key)) angles.add(output);
    else if (traitsOf(key).moves !== undefined && followed.has(node.inputs[0])) followed.add(output);
  }
  return { name, tables, turns };
}

/** Rows of a table of vectors, which may be stored in fewer bits; undefined for anything else. */
function rowsOf(graph: Graph, name: string): number | undefined {
  const table = graph.initializers.get(name);
  if (table) {
    const isTable = table.shape.length === 2 && (table.type.startsWith('float') || isStored(graph, name));
    return isTable ? table.shape[0] : undefined;
  }
  // Made real by the graph: float16 by a Cast, fewer bits by a scale.
  const maker = graph.nodes.find((node) => node.outputs[0] === name);
  const sizes = maker?.inputs
    .map((input) => graph.initializers.get(input))
    .find((weight) => weight?.shape.length === 2);
  return maker && ['Cast', 'DequantizeLinear'].includes(maker.op) ? sizes?.shape[0] : undefined;
}

/** Whether a table holds the whole numbers of vectors that are made real where they are picked. */
const isStored = (graph: Graph, name: string) => ['int8', 'uint8'].includes(graph.initializers.get(name)?.type ?? '');

/** What a DequantizeLinear makes of a value. */
const dequantized = (graph: Graph, name: string) =>
  graph.nodes.find(({ op, inputs }) => op === 'DequantizeLinear' && inputs[0] === name)?.outputs[0];

const isReal = ({ attributes: { to } }: Node) => to?.kind === 'int' && [1, 10, 11, 16].includes(to.value);

const isAngle = (key: string) => {
  const { linear, moves } = traitsOf(key);
  return linear !== undefined || moves !== undefined;
};
