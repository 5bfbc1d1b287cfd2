import type { RuleOverrides } from '../../autodiff/differentiate.ts';
import type { Graph } from '../../onnx/graph.ts';
import type { GradientFit } from './gradient-memory.ts';

/** f of a question and its gradient, at any vectors in place of those of the prompt's tokens. */
export interface EmbeddingProgram {
  /** Numbers of each vector. */
  readonly width: number;
  /** The vectors of the prompt's tokens, `tokens × width`. */
  readonly vectors: Float32Array;
  /** Vectors of some tokens, `count × width`. */
  vectorsOf(ids: readonly number[]): Promise<Float32Array>;
  /** f, and `∂f/∂vectors` for each point; points are `tokens × width` each. */
  gradients(points: readonly Float32Array[]): Promise<{ values: number[]; gradients: Float32Array[] }>;
  /** f at each point, without gradients; undefined where the text is read in pieces. */
  readonly values?: (points: readonly Float32Array[]) => Promise<Float64Array>;
  /**
   * Relevance of every token, those of the answer behind those of the prompt, by rules that take the place of derivatives;
   * it starts at the summed logits, `value`, less those of the other answer.
   */
  relevance(rules: (graph: Graph) => RuleOverrides): Promise<{ value: number; tokens: Float64Array }>;
  /** How gradients fit into the memory. */
  readonly fit: GradientFit;
  /** Points at which f and its gradient were asked for, and those at which f alone was. */
  readonly cost: { backward: number; forward: number };
}
