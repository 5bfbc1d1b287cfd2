import type * as z from 'zod/mini';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import type { Sample } from '../../data/inputs/sample.ts';
import type { Tokenizer } from '../../data/inputs/tokenizer.ts';
import type { Form } from '../../forms.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** How an input's axes are to be read. */
export interface InputLayout {
  /** Axis of the channels, where the input is an image. */
  readonly channelAxis?: number;
  /** Axes of space (rows and columns), where it has them. */
  readonly spatialAxes?: readonly number[];
}

/** An explained input that a baseline stands for. */
export interface ExplainedInput {
  readonly name: string;
  readonly input: Tensor;
  readonly layout: InputLayout;
  /** Whether it is the only one. */
  readonly alone: boolean;
  /** Whether it may lack values, because the model says what becomes of them. */
  readonly mayMiss: boolean;
}

/** A given input: one tensor where one input is explained, else a tensor for each by input name. */
export interface GivenBaseline {
  readonly kind: 'input';
  /** What it is: "black image", "the mean of the training data". */
  readonly description: string;
  /** For the only explained input. */
  readonly tensor?: Tensor;
  /** By input name; these are the explained inputs. Either this or `tensor`. */
  readonly tensors?: ReadonlyMap<string, Tensor>;
}

/** What a text of a baseline may speak of: the model's tokenizer, files, colours. */
export interface BaselineSurroundings {
  /** The model's tokenizer, where it is known. */
  tokenizer(): Promise<Tokenizer | undefined>;
  /** A token by what it stands for. @throws WhereforeError `unknown-name` where the tokenizer has none */
  token(name: string): Promise<{ readonly tokenizer: Tokenizer; readonly id: number; readonly token: string }>;
  /** Rows of a table, images of a folder, an array. */
  sample(place: string): Promise<Sample>;
  /** Another input as baseline. */
  file(path: string): Promise<(input: ModelInput) => GivenBaseline>;
  /** One colour (RGB, 0–255) everywhere, in the model's units. */
  colour(input: ModelInput, colour: readonly [number, number, number], description: string): GivenBaseline;
}

/** Reads a text, or what follows the colon of one; what it gives waits for the input. */
export type ReadBaseline<B> = (
  argument: string,
  surroundings: BaselineSurroundings,
) => ((input: ModelInput) => B) | Promise<(input: ModelInput) => B>;

/** A row of the table of baselines: all that the rest has to know of one kind. */
export interface BaselineKind<B extends { readonly kind: string }> {
  /** The fields beside `kind` that a caller states; numbers are looked at where they are used. */
  readonly stated: z.ZodMiniObject;
  /** As a document holds it; tensors lie beside the document. */
  readonly document: z.ZodMiniObject;
  /** What of it lies beside the document, if anything: the input itself, or rows of several. */
  readonly beside?: 'input' | 'rows';
  /** What it replaces where that is not numbers: inputs of tokens are then the explained ones. */
  readonly replaces?: 'tokens';
  /** The forms in which a person writes it, in the order of the help. */
  readonly forms: readonly Form<ReadBaseline<B>>[];
  /** Every baseline of one input, one after the other. @throws WhereforeError where the input is none for it */
  resolve(at: ExplainedInput, baseline: B): Tensor[];
  /** In words, as it is printed and recorded. */
  describe(baseline: B): string;
  /** As one of its forms reads it again; undefined where no text holds it. */
  write(baseline: B): string | undefined;
  /** What the schema of the fields does not see. @throws WhereforeError for what is no baseline of this kind */
  check?(baseline: B, where: string): void;
}
