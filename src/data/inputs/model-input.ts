import type { Tensor } from '../../tensor/tensor.ts';
import type { ImageVariant } from '../formats/image-variant.ts';
import type { ImageInput } from '../model/preprocessing.ts';
import type { GridTransform } from './grid.ts';
import type { Tokenizer } from './tokenizer.ts';

/** One input of a model (a batch of one), with what it takes to show it to a person. */
export interface ModelInput {
  /** Where it came from: a path, a row of a table. */
  readonly source: string;
  /** SHA-256 of the file; undefined for tensors given in memory. */
  readonly hash: string | undefined;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Which axes of the explained input are channels and space. */
  readonly layout: { readonly channelAxis?: number; readonly spatialAxes?: readonly number[] };
  /** Samples a second along the axis of time, where the input is a recording. */
  readonly rate?: number;
  /** The source image, H×W×3 RGB, and how the model's grid lies over it. */
  readonly image?: {
    readonly pixels: Tensor<'uint8'>;
    readonly transform: GridTransform;
    readonly input: ImageInput;
  };
  /** What was changed about the image of an evaluation, and the source of the image itself. */
  readonly variant?: { readonly of: string; readonly change: ImageVariant };
  /** Names and written values of the features of a table row. */
  readonly features?: { readonly names: readonly string[]; readonly texts: readonly string[] };
  /** Which features are one thing to a person: the columns of a table, the words of a text. */
  readonly groups?: FeatureGroups;
  /** Other rows of the same table: what is usual there. */
  readonly sample?: {
    readonly tensors: ReadonlyMap<string, Tensor>;
    readonly description: string;
    /** What is usual, for each group. */
    readonly texts: readonly string[];
  };
  /** What made the token ids, where the input was given as text. */
  readonly tokenizer?: Tokenizer;
  /** What was assumed to make it. */
  readonly notes: readonly string[];
}

/** Features that belong together. */
export interface FeatureGroups {
  readonly kind: 'columns' | 'words';
  /** The group of each feature. */
  readonly of: readonly number[];
  readonly names: readonly string[];
  /** The group's value as a person wrote it. */
  readonly texts: readonly string[];
  /** Groups that are not part of what a person wrote: the special tokens of a text. */
  readonly special?: readonly number[];
}
