import { filled } from '../../tensor/filled.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import type { LogitWeights } from '../where/logit-weights.ts';
import { unembed } from '../where/unembedding.ts';
import { type AttentionBlock, type Components, componentsOf } from './components.ts';
import { type EdgeGraph, edgeGraphOf, headInputs } from './edge-graph.ts';
import { gradientsFrom, headsAlone, partOf, repeated, type Values, valuesFrom } from './vectors.ts';

/** What was written into the stream in one run of some texts: one array a writer, `texts × sequence × width`. */
export type Written = readonly Float32Array[];

/**
 * A decoder run piece by piece: the vectors of tokens, every head, every MLP and the logits on their own, so that each
 * may be given another stream. Texts are of one length.
 */
export class ComponentProgram {
  readonly language: LanguageModel;
  readonly components: Components;
  readonly edges: EdgeGraph;
  readonly texts: number;
  readonly length: number;
  readonly signal?: AbortSignal;
  readonly #weights: readonly LogitWeights[];
  #offsets: Map<AttentionBlock, Float32Array> | undefined;

  private constructor(
    language: LanguageModel,
    components: Components,
    of: { readonly length: number; readonly weights: readonly LogitWeights[]; readonly signal?: AbortSignal },
  ) {
    this.language = language;
    this.components = components;
    this.edges = edgeGraphOf(components);
    this.texts = of.weights.length;
    this.length = of.length;
    this.signal = of.signal;
    this.#weights = of.weights;
  }

  /** @param of.weights what is looked at, for each text */
  static async open(
    language: LanguageModel,
    of: { readonly length: number; readonly weights: readonly LogitWeights[]; readonly signal?: AbortSignal },
  ): Promise<ComponentProgram> {
    return new ComponentProgram(language, await componentsOf(language), of);
  }

  /** Numbers of the stream of one text. */
  get size(): number {
    return this.length * this.components.anatomy.width;
  }

  /** Vectors that texts begin with, `texts × sequence × width`, by value of the graph. */
  async startsOf(texts: readonly (readonly number[])[]): Promise<Values> {
    const names = this.components.starts.map(({ value }) => value);
    const graph = partOf(this.language, [], names);
    const results = await this.language.model.executor.run(graph, feedsOf(this.language, texts), names, this);
    const shape = [texts.length, this.length, this.components.anatomy.width];
    return new Map(
      names.map((name) => {
        const { data } = results.get(name) as Tensor<'float32'>;
        // Vectors of positions may have no batch.
        return [
          name,
          float32(
            shape,
            filled(new Float32Array(texts.length * this.size), (i) => data[i % data.length]),
          ),
        ];
      }),
    );
  }

  /** A run from the vectors of tokens on: what every writer wrote. */
  async written(starts: Values): Promise<Written> {
    const { attentions, mlps } = this.components;
    const wanted = [...attentions.map(({ mixed }) => mixed), ...mlps.map(({ writes }) => writes)];
    const values = await valuesFrom(this.language, starts, wanted, this);
    const found = [...starts.values()].map(({ data }) => data);
    for (const block of [...attentions, ...mlps].sort((a, b) => a.place - b.place)) {
      if ('heads' in block) {
        for (const head of await this.headsWrite(block, values.get(block.mixed) as Tensor<'float32'>)) found.push(head);
      } else found.push((values.get(block.writes) as Tensor<'float32'>).data);
    }
    return found;
  }

  /** What each head writes into the stream by itself: the map behind it, less what that gives of nothing. */
  async headsWrite(block: AttentionBlock, mixed: Tensor<'float32'>): Promise<Float32Array[]> {
    const offset = (await this.#offsetsOf()).get(block) as Float32Array;
    const given = new Map([[block.mixed, headsAlone(mixed)]]);
    const { data } = (await valuesFrom(this.language, given, [block.writes], this)).get(
      block.writes,
    ) as Tensor<'float32'>;
    const { heads } = block;
    return Array.from({ length: heads }, (_, h) =>
      filled(new Float32Array(this.texts * this.size), (i) => {
        const [text, at] = [Math.floor(i / this.size), i % this.size];
        return data[(text * heads + h) * this.size + at] - offset[at];
      }),
    );
  }

  /** F of each text behind a stream. */
  async measured(stream: Float32Array): Promise<number[]> {
    const { texts, length } = this;
    const vectors = float32([texts, length, this.components.anatomy.width], stream);
    const { data, shape } = await unembed(this.language, vectors, new Array<number>(length).fill(0), this.signal);
    const vocabulary = shape[2];
    return this.#weights.map((weights, text) => {
      let value = 0;
      const at = ((text + 1) * length - 1) * vocabulary;
      for (const [token, weight] of weights) value += weight * data[at + token];
      return value;
    });
  }

  /** F of a whole run. */
  async measuredRun(written: Written): Promise<number[]> {
    return this.measured(await this.streamOf(written));
  }

  /** The slope of Σ F at every reader's own stream, one array a reader, `texts × sequence × width`. */
  async slopes(starts: Values): Promise<Float32Array[]> {
    const { attentions, mlps, anatomy } = this.components;
    const last = anatomy.sums[anatomy.sums.length - 1].value;
    const { logits } = this.language;
    const inner = attentions.flatMap(({ query, key, value }) => [query, key, value]);
    const wrt = [...inner, ...mlps.map(({ writes }) => writes), last];
    const seed = await this.seed();
    const slopes = await gradientsFrom(this.language, starts, { seeds: new Map([[logits, seed]]), wrt }, this);
    const reads = [...new Set([...attentions, ...mlps].map((block) => block.reads))];
    const own = reads.filter((name) => !starts.has(name));
    const streams = new Map([...starts, ...(await valuesFrom(this.language, starts, own, this))]);
    const found: Float32Array[] = [];
    for (const block of [...attentions, ...mlps].sort((a, b) => a.place - b.place)) {
      const stream = streams.get(block.reads) as Tensor<'float32'>;
      if ('heads' in block) {
        for (const slope of await this.#headSlopes(block, stream, slopes)) found.push(slope);
        continue;
      }
      const seeds = new Map([[block.writes, slopes.get(block.writes) as Tensor<'float32'>]]);
      const given = new Map([[block.reads, stream]]);
      found.push(
        gradientOf(await gradientsFrom(this.language, given, { seeds, wrt: [block.reads] }, this), block.reads),
      );
    }
    found.push(gradientOf(slopes, last));
    return found;
  }

  /** The slopes at the three inputs of each head, with the norm before them. */
  async #headSlopes(block: AttentionBlock, stream: Tensor<'float32'>, slopes: Values): Promise<Float32Array[]> {
    const { heads, reads } = block;
    const names = headInputs.map((input) => block[input]);
    const given = new Map([[reads, repeated(stream, heads)]]);
    const found: Float32Array[][] = [];
    for (const name of names) {
      // One input at a time: rows of a text are its heads.
      const seeds = new Map([[name, headsAlone(slopes.get(name) as Tensor<'float32'>)]]);
      const slope = gradientOf(await gradientsFrom(this.language, given, { seeds, wrt: [reads] }, this), reads);
      found.push(byHead(slope, { texts: this.texts, heads, size: this.size }));
    }
    return Array.from({ length: heads }, (_, h) => found.map((ofInput) => ofInput[h])).flat();
  }

  /**
   * F where only some edges carry what this run writes, all others what another run wrote: a circuit on its own.
   * @param kept by place in `edges.edges`
   */
  async measuredCircuit(starts: Values, other: Written, kept: ReadonlySet<number>): Promise<number[]> {
    const { attentions, mlps } = this.components;
    const own: Float32Array[] = [...starts.values()].map(({ data }) => data);
    const into = this.#keptInto(kept);
    let reader = 0;
    const streamFor = async () => {
      const from = into.get(reader) ?? new Set<number>();
      const { before } = this.edges.readers[reader++];
      return this.streamOf(
        other.map((values, w) => (from.has(w) ? own[w] : values)),
        before,
      );
    };
    for (const block of [...attentions, ...mlps].sort((a, b) => a.place - b.place)) {
      if ('heads' in block) {
        const streams: Float32Array[] = [];
        for (let i = 0; i < 3 * block.heads; i++) streams.push(await streamFor());
        for (const head of await this.#headsFrom(block, streams)) own.push(head);
        continue;
      }
      const given = new Map([[block.reads, this.#tensor(await streamFor())]]);
      const values = await valuesFrom(this.language, given, [block.writes], this);
      own.push((values.get(block.writes) as Tensor<'float32'>).data);
    }
    return this.measured(await streamFor());
  }

  #keptInto(kept: ReadonlySet<number>): Map<number, Set<number>> {
    const into = new Map<number, Set<number>>();
    for (const [i, { from, to }] of this.edges.edges.entries()) {
      if (!kept.has(i)) continue;
      const known = into.get(to);
      if (known) known.add(from);
      else into.set(to, new Set([from]));
    }
    return into;
  }

  /** What heads write whose three inputs have a stream each: `streams[3h + i]` is that of input i of head h. */
  async #headsFrom(block: AttentionBlock, streams: readonly Float32Array[]): Promise<Float32Array[]> {
    const { heads, reads, mixed } = block;
    const given = new Map<string, Tensor<'float32'>>();
    for (const [i, input] of headInputs.entries()) {
      const rows = joined(streams.filter((_, s) => s % 3 === i));
      const shape = [heads * this.texts, this.length, this.components.anatomy.width];
      const values = await valuesFrom(this.language, new Map([[reads, float32(shape, rows)]]), [block[input]], this);
      given.set(block[input], eachOwnHead(values.get(block[input]) as Tensor<'float32'>, this.texts));
    }
    const values = await valuesFrom(this.language, given, [mixed], this);
    return this.headsWrite(block, values.get(mixed) as Tensor<'float32'>);
  }

  #tensor(stream: Float32Array): Tensor<'float32'> {
    return float32([this.texts, this.length, this.components.anatomy.width], stream);
  }

  /** The sum of what was written by the first contributions, with what attentions write of nothing. */
  async streamOf(written: Written, before = this.components.anatomy.contributions.length): Promise<Float32Array> {
    const stream = new Float32Array(this.texts * this.size);
    for (const [w, { place }] of this.edges.writers.entries()) {
      if (place >= before) continue;
      const values = written[w];
      for (let i = 0; i < stream.length; i++) stream[i] += values[i];
    }
    for (const [{ place }, offset] of await this.#offsetsOf()) {
      if (place >= before) continue;
      for (let i = 0; i < stream.length; i++) stream[i] += offset[i % this.size];
    }
    return stream;
  }

  /** What each attention writes where its heads write nothing: biases. */
  async #offsetsOf(): Promise<ReadonlyMap<AttentionBlock, Float32Array>> {
    if (this.#offsets) return this.#offsets;
    const offsets = new Map<AttentionBlock, Float32Array>();
    for (const block of this.components.attentions) {
      const { heads, size, mixed, writes } = block;
      const shape = [1, heads, this.length, size];
      const nothing = float32(shape, new Float32Array(heads * this.length * size));
      const values = await valuesFrom(this.language, new Map([[mixed, nothing]]), [writes], this);
      offsets.set(block, (values.get(writes) as Tensor<'float32'>).data);
    }
    this.#offsets = offsets;
    return offsets;
  }

  /** The slope of Σ F at the logits: zeros but for the tokens that are looked at, behind the last of each text. */
  async seed(): Promise<Tensor<'float32'>> {
    const { texts, length } = this;
    const empty = this.#tensor(new Float32Array(texts * this.size));
    const { shape } = await unembed(this.language, empty, new Array<number>(length).fill(0), this.signal);
    const vocabulary = shape[2];
    const seed = new Float32Array(texts * length * vocabulary);
    for (const [text, weights] of this.#weights.entries())
      for (const [token, weight] of weights) seed[((text + 1) * length - 1) * vocabulary + token] = weight;
    return float32([texts, length, vocabulary], seed);
  }
}

const gradientOf = (gradients: Values, name: string): Float32Array => (gradients.get(name) as Tensor<'float32'>).data;

/** Rows of texts and heads as one array a head. */
function byHead(
  rows: Float32Array,
  { texts, heads, size }: { readonly texts: number; readonly heads: number; readonly size: number },
): Float32Array[] {
  return Array.from({ length: heads }, (_, h) =>
    filled(new Float32Array(texts * size), (i) => rows[(Math.floor(i / size) * heads + h) * size + (i % size)]),
  );
}

/** Of rows `heads × texts` of all heads, head h of the rows that are its own: `texts × heads × …`. */
function eachOwnHead({ shape, data }: Tensor<'float32'>, texts: number): Tensor<'float32'> {
  const heads = shape[1];
  const size = data.length / shape[0] / heads;
  const all = new Float32Array(texts * heads * size);
  for (let text = 0; text < texts; text++) {
    for (let h = 0; h < heads; h++) {
      const from = ((h * texts + text) * heads + h) * size;
      all.set(data.subarray(from, from + size), (text * heads + h) * size);
    }
  }
  return float32([texts, ...shape.slice(1)], all);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.length * parts[0].length);
  for (const [i, part] of parts.entries()) all.set(part, i * part.length);
  return all;
}
