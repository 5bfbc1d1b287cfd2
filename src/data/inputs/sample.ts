import { basename, extname } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { tableReaders } from '../formats/table-file.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { withRows } from './describe-rows.ts';
import { readTableSample } from './row-input.ts';
import { evenly, selectedRows, splitSelection } from './row-selection.ts';
import { asTaken } from './tensor-input.ts';
import { unlabelledInputs } from './unlabelled.ts';

/** Inputs that stand for what is usual, one row each. */
export interface Sample {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly description: string;
}

/**
 * A sample of inputs as baselines: rows of a table (`people.csv`), the images of a folder, or the rows of an array;
 * 64 spread evenly over all of them, or those that are named (`people.csv#0-99`, `images#3,17`).
 * @throws WhereforeError as {@link unlabelledInputs}; `out-of-range` for an example that is not there
 */
export async function readSample(model: LoadedModel, source: string, preprocessing: Preprocessing): Promise<Sample> {
  const { path, selection } = splitSelection(source);
  if (extname(path).toLowerCase() in tableReaders) {
    const described = await withRows(model, path, preprocessing);
    const rows = await readTableSample(path, selection, described.preprocessing);
    return { ...rows, tensors: asTaken(model, rows.tensors, path) };
  }
  const examples = await unlabelledInputs(path, model, preprocessing);
  const indices = selection ? selectedRows(selection, path) : evenly(examples.length);
  const missing = indices.find((index) => index >= examples.length);
  if (missing !== undefined) {
    throw new WhereforeError('out-of-range', 'there is no such example', {
      where: path,
      got: `${missing}`,
      expected: `0 to ${examples.length - 1}`,
    });
  }
  const tensors = asTaken(model, new Map(Object.entries((await examples.read(indices)).inputs)), path);
  const many = indices.length === 1 ? 'an example' : `the average over ${indices.length} examples`;
  return { tensors, description: `${many} of ${basename(path)}` };
}
