import type { Model } from '../../runtime/model.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Files } from '../files/file-access.ts';
import type { WithinTime } from '../files/within-time.ts';
import type { Colour, Image } from '../formats/image-type.ts';
import type { ModelInput } from '../inputs/model-input.ts';
import type { Beside } from './beside.ts';
import type { Preprocessing } from './preprocessing.ts';
import type { LoadedPreprocessing } from './preprocessing-text.ts';

/** A model from a file, with how its inputs are made where somebody wrote that down. */
export interface LoadedModel extends Model {
  /** Absolute path of the file; undefined for a model from bytes. */
  readonly path: string | undefined;
  readonly preprocessing: LoadedPreprocessing | undefined;
  /** What other tools left beside the file; undefined for a model from bytes. */
  readonly beside: Beside | undefined;
  /** How files are reached. */
  readonly edge: Edge;
  /** Names of the classes by index: of `wherefore.yaml`, else of files beside the model, else of the model itself. */
  readonly labels: readonly string[] | undefined;
}

/** Names of the classes of a model: those that the preprocessing lists, else the model's. */
export function labelsOf(
  { labels }: Pick<LoadedModel, 'labels'>,
  preprocessing: Pick<Preprocessing, 'labels'>,
): readonly string[] | undefined {
  return Array.isArray(preprocessing.labels) ? preprocessing.labels : labels;
}

/**
 * What lies around a model: files, and the platform. `loadModel` gives a model the files of Node; whoever runs the core
 * elsewhere brings an edge of their own. All that explains and draws reaches the world through it alone.
 */
export interface Edge {
  /** Versions of the platform by name, for the record of what was made. */
  readonly versions: { readonly node?: string };
  /** The current folder, from which paths are told in documents; undefined where there is none. */
  readonly folder: string | undefined;
  /** Where files lie; undefined where there are none. */
  readonly files: Files | undefined;
  /** A path as an absolute one. */
  absolute(path: string): string;
  /** A file that lies below one of some folders, links followed: for a path that a document holds. */
  findBelow(folders: readonly string[], path: string): Promise<string | undefined>;
  /**
   * Inputs that a text names: a file, rows of a table, a folder, numbers written out.
   * @param options.within folder that a path starts from and must not leave, where another file names the source
   */
  readInputs(
    model: LoadedModel,
    source: string,
    preprocessing: Preprocessing,
    options?: { readonly within?: string },
  ): Promise<ModelInput[]>;
  /** Texts that name one input each: of a folder those of its files that the model takes, else the text itself. */
  sourcesIn(source: string, preprocessing: Preprocessing): Promise<readonly string[]>;
  /** The pixels of an image. @throws WhereforeError `invalid-data` for what is no image */
  decodeImage(
    bytes: Uint8Array<ArrayBuffer>,
    options: { readonly name: string; readonly background?: Colour },
  ): Promise<Image>;
  /** How work that may not end is stopped: the patterns of a tokenizer. A page ends its worker instead. */
  readonly withinTime: WithinTime;
  /** Another model, such as a learned explainer, from a path. */
  loadModel(path: string, runtime: Runtime): Promise<LoadedModel>;
}
