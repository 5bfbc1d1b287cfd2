import type { ReadOptions } from '../files/open-file.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import type { DatasetDescription } from './dataset-description.ts';

/** How a data set is opened. */
export interface DatasetOptions extends Omit<DatasetDescription, 'path'> {
  /** Makes inputs of the contents as this says. Default: that of `model`, else contents are given as they are. */
  readonly preprocessing?: Preprocessing;
  /** Inputs are made for this model; classes are its labels where those of the data are among them. */
  readonly model?: LoadedModel;
  /** Bytes that are kept of files to answer from. Default 256 MiB. */
  readonly budget?: number;
  /** Folders that files must lie in, where another file names the path. */
  readonly inside?: ReadOptions['inside'];
}
