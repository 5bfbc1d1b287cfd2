import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { type Tensor, tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import type { LogitWeights } from '../where/logit-weights.ts';
import { patchable } from '../where/patchable.ts';
import { repeated, type Values } from './vectors.ts';

/** A value of which heads (axis 1 of 4) or neurons (the last axis) are exchanged, and what for. */
export interface PatchedValue {
  readonly value: string;
  /** Broadcast to the value. */
  readonly by: Tensor<'float32'>;
  readonly units: number;
  readonly kind: 'head' | 'neuron';
}

/** What is exchanged in one run, all of it together. */
export type Exchange = readonly { readonly value: string; readonly unit: number }[];

export interface PatchedRuns {
  /** Vectors that the text begins with, one row. */
  readonly starts: Values;
  readonly length: number;
  /** What is looked at behind the last token. */
  readonly weights: LogitWeights;
  readonly patched: readonly PatchedValue[];
  readonly signal?: AbortSignal;
}

/** Rows of a batch. */
const mostRows = 32;

/** F of one text with each of some exchanges made; an empty one is the text as it is. */
export async function patchedRuns(
  language: LanguageModel,
  { starts, length, weights, patched, signal }: PatchedRuns,
  exchanges: readonly Exchange[],
): Promise<number[]> {
  const graph = cutGraph(
    language,
    [...starts.keys()],
    patched.map(({ value }) => value),
  );
  const found: number[] = [];
  for (let at = 0; at < exchanges.length; at += mostRows) {
    const part = exchanges.slice(at, at + mostRows);
    // All batches have one size, so that one session serves them.
    const rows = Math.min(mostRows, exchanges.length);
    const feeds = new Map<string, Tensor>(feedsOf(language, new Array(rows).fill(new Array<number>(length).fill(0))));
    for (const [name, start] of starts) feeds.set(name, repeated(start, rows));
    for (const one of patched) {
      feeds.set(`patch/${one.value}/where`, maskOf(one, part, rows));
      feeds.set(`patch/${one.value}`, one.by);
    }
    const results = await language.model.executor.run(graph, feeds, ['patch/last'], { signal });
    const data = results.get('patch/last')?.data as Float32Array;
    const vocabulary = data.length / rows;
    for (let r = 0; r < part.length; r++) {
      let value = 0;
      for (const [token, weight] of weights) value += weight * data[r * vocabulary + token];
      found.push(value);
    }
  }
  return found;
}

/** Where a value is exchanged in each row: heads lie along axis 1 of 4, neurons along the last one. */
function maskOf({ value, units, kind }: PatchedValue, exchanges: readonly Exchange[], rows: number): Tensor<'bool'> {
  const mask = new Uint8Array(rows * units);
  for (const [r, exchange] of exchanges.entries()) {
    for (const one of exchange) if (one.value === value) mask[r * units + one.unit] = 1;
  }
  return tensor('bool', kind === 'head' ? [rows, units, 1, 1] : [rows, 1, units], mask);
}

const graphs = namedMemo<Graph, Graph>();

/** The graph from vectors of tokens on, with inputs for what is exchanged. */
function cutGraph({ model, logits }: LanguageModel, starts: readonly string[], values: readonly string[]): Graph {
  const graph = patchable(model.graph, values, logits);
  return graphs(graph, JSON.stringify(starts), () =>
    extractSubgraph(graph, {
      inputs: starts.map((name) => ({ name, type: 'float32', shape: undefined })),
      outputs: ['patch/last'],
    }),
  );
}
