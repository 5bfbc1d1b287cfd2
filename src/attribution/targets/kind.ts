import * as z from 'zod/mini';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import type { Form } from '../../forms.ts';
import type { Detection } from './distinct-objects.ts';
import type { StatedScale } from './scale.ts';
import type { Source } from './target-source.ts';

export interface OfOutput {
  /** Name of the model output; default: the first one of a float type. */
  readonly output?: string;
}

export interface OfClasses extends OfOutput {
  /**
   * The output is one number z that tells two classes apart: class 1 has the probability `sigmoid(z)` and the logit z,
   * class 0 has `1 − sigmoid(z)` and −z. `explain` sets it where labels, the task or the model say so. Default false.
   */
  readonly binary?: boolean;
  /** What the numbers are where the graph does not show it: probabilities, or scores with a sigmoid each. */
  readonly scale?: StatedScale;
}

/** The fields of {@link OfOutput} as a document holds them. */
export const ofOutput = { output: z.optional(z.string()) };

/** The fields of {@link OfClasses} as a document holds them. */
export const ofClasses = {
  binary: z.optional(z.boolean()),
  scale: z.optional(z.enum(['probabilities', 'independent'])),
  ...ofOutput,
};

/** What the model said of an input, as far as a target asks for it. */
export interface Said {
  readonly summary: { readonly output: string };
  /** Rows of a detector's grid, the strongest first. */
  readonly detections?: readonly Detection[];
  /** The most probable class of each position of a segmentation. */
  readonly segmentation?: { readonly size: readonly [number, number]; readonly classes: Uint32Array };
  /** The most probable class of each token that a model for token classification was read at, by its position. */
  readonly tokenClasses?: ReadonlyMap<number, number>;
}

/** A target, or what makes it once the model has said something of the input. */
export type TargetOf<T> = T | ((input: ModelInput, said: Said) => T);

/** What a text of a target may speak of: labels, other inputs. */
export interface TargetSurroundings {
  /** Names of the classes, by index. */
  readonly labels?: readonly string[];
  /** What the model makes of another input: the values of the output that is an embedding, else of the first one. */
  embedding(source: string): Promise<{ readonly output: string; readonly values: readonly number[] }>;
}

/** Makes a target of what stands behind the word of its form. */
export type ReadTarget<T> = (argument: string, surroundings: TargetSurroundings) => TargetOf<T> | Promise<TargetOf<T>>;

/** A way to write a target. */
export type TargetForm<T> = Form<ReadTarget<T>>;

/** Words for the description of a target. */
export interface TargetWords {
  /** ` of logits` where the target names its output, else nothing. */
  readonly of: string;
  /** `281 "tabby"`; the number alone where it has no label. */
  name(index: number): string;
}

/** A row of the table of targets: all that the rest has to know of one kind. */
export interface TargetKind<T extends { readonly kind: string }> {
  /** As a document records it, and as a caller in JavaScript may give it. */
  readonly schema: z.ZodMiniObject;
  /** The forms in which a person writes it, in the order of the help. */
  readonly forms: readonly TargetForm<T>[];
  /** What its value is counted in; left out where only the model says. */
  readonly unit?: string;
  /** Set where it is about the classes of an output, so that it is told how the output's numbers are read. */
  readonly ofClasses?: true;
  /** What its numbers count: their names are those of tokens. Default classes. */
  readonly names?: 'tokens';
  /** Appends the nodes that compute it, shape [batch]; the name of their value. @throws WhereforeError where it does not fit */
  compile(source: Source, target: T): string;
  /** In words, as it is printed and recorded. */
  describe(target: T, words: TargetWords): string;
  /** As one of its forms reads it again; undefined where no text holds it. */
  write(target: T, className: (index: number) => string): string | undefined;
  /** What of it is built into the graph rather than fed: targets of one kind and form share a session. Default nothing. */
  form?(target: T): string;
  /** The outputs that it reads where it is not one, named by `output`. */
  outputs?(target: T): readonly string[];
  /**
   * The target that says how probable it is, for metrics that ask how sure the model is; undefined where nothing does.
   * @param isNumber whether the output is one number, so that class 0 is its value
   */
  probability?(target: T, isNumber: boolean): { readonly kind: string } | undefined;
  /** The probability that the value of such a target is. Default: the value itself. */
  probabilityOf?(value: number): number;
  /** Which entries of what the model said it is about, by their index. */
  about?(target: T, said: readonly { readonly index: number; readonly anchor?: number }[]): readonly number[];
}
