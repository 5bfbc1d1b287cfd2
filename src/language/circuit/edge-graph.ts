import type { AttentionBlock, Components } from './components.ts';

/** What writes into the residual stream: vectors of tokens, a head, an MLP. */
export interface Writer {
  /** `embed`, `layer.0/head.2`, `layer.0/mlp`. */
  readonly name: string;
  /** Its block's place among the contributions to the stream. */
  readonly place: number;
}

/** What reads the residual stream: a head, apart for its queries, keys and values; an MLP; the logits. */
export interface Reader {
  /** `layer.1/head.0.query`, `layer.1/mlp`, `logits`. */
  readonly name: string;
  /** Contributions that the stream holds where it reads. */
  readonly before: number;
}

/** A way from a writer to a reader, by the places in their lists. */
export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

export interface EdgeGraph {
  readonly writers: readonly Writer[];
  readonly readers: readonly Reader[];
  readonly edges: readonly Edge[];
}

/** The inputs of a head. */
export const headInputs = ['query', 'key', 'value'] as const;

export const headName = ({ layer }: Pick<AttentionBlock, 'layer'>, head: number): string =>
  `layer.${layer}/head.${head}`;

/** All edges of a decoder: each reader's stream is the sum of what was written before it. */
export function edgeGraphOf({ anatomy, starts, attentions, mlps }: Components): EdgeGraph {
  const writers: Writer[] = starts.map(({ name }, place) => ({ name, place }));
  const readers: Reader[] = [];
  const blocks = [...attentions, ...mlps].sort((a, b) => a.place - b.place);
  for (const block of blocks) {
    const { name, place, before } = block;
    if (!('heads' in block)) {
      writers.push({ name, place });
      readers.push({ name, before });
      continue;
    }
    for (let h = 0; h < block.heads; h++) {
      writers.push({ name: headName(block, h), place });
      for (const input of headInputs) readers.push({ name: `${headName(block, h)}.${input}`, before });
    }
  }
  readers.push({ name: 'logits', before: anatomy.contributions.length });
  const edges = readers.flatMap((reader, to) =>
    writers.flatMap((writer, from) =>
      writer.place < reader.before ? [{ from, to, name: `${writer.name} → ${reader.name}` }] : [],
    ),
  );
  return { writers, readers, edges };
}
