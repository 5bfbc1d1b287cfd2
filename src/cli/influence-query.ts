import { openDataset } from '../data/datasets/open-dataset.ts';
import { isTaken } from '../data/files/folders.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { datasetOf } from '../dataset/in-memory.ts';
import { subset } from '../dataset/select.ts';
import { WhereforeError } from '../errors.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import { unknownName } from '../nearest.ts';
import type { RowView, RowViews } from '../page/audit/row-view.ts';
import { viewsOf } from '../report/audit/row-views.ts';
import { toNumbers } from '../tensor/convert.ts';

/** A class by its name. @throws WhereforeError `unknown-name` */
export function classNamed(name: string, classes: readonly string[]): number {
  // Classes without names are asked for by number; the model says how many there are.
  if (classes.length === 0 && /^\d+$/.test(name)) return Number(name);
  const k = classes.indexOf(name);
  if (k >= 0) return k;
  throw unknownName('there is no class', name, classes);
}

/** A query and how it is shown. */
export interface AskedQuery {
  readonly data: Dataset;
  readonly views: RowViews;
}

/**
 * The query as a data set of one row: a row of `--from`, or what a person names as for `explain`.
 * @param preprocessing How it becomes an input. Default: what the model's description says.
 */
export async function openQuery(
  query: string,
  from: string | undefined,
  model: LoadedModel,
  described: Parameters<typeof openDataset>[1],
  preprocessing: Preprocessing = preprocessingOf(model, {}),
): Promise<AskedQuery> {
  if (from !== undefined) {
    // What a file of labels says of the training rows it does not say of the query.
    const beside = described?.labels === undefined ? described : { model, labels: 'none' };
    const opened = await openDataset(from, beside);
    const row = Number(query);
    if (!Number.isInteger(row) || row < 0 || row >= opened.length)
      throw new WhereforeError('out-of-range', 'there is no such row to ask about', {
        where: from,
        got: query,
        expected: `0 to ${opened.length - 1}`,
      });
    const views = viewsOf(opened);
    return { data: subset(opened, [row]), views: () => views([row]) };
  }
  if (/^\d+$/.test(query) && !(await isTaken(query)))
    throw new WhereforeError('invalid-argument', 'a number names a row, but of which data?', {
      got: query,
      fix: 'add --from with the data that the row is in',
    });
  const inputs = await readModelInputs(model, query, preprocessing);
  if (inputs.length !== 1)
    throw new WhereforeError('invalid-argument', 'one query at a time', {
      got: `${inputs.length} inputs`,
      fix: 'name one of them',
    });
  const [input] = inputs;
  const one = datasetOf(Object.fromEntries(input.tensors), { name: input.source });
  return { data: { ...one, describe: () => input.source }, views: async () => [viewOf(input)] };
}

function viewOf({ source, tensors, image, features, groups, tokenizer }: ModelInput): RowView {
  if (image)
    return { kind: 'image', width: image.pixels.shape[1], height: image.pixels.shape[0], pixels: image.pixels.data };
  if (tokenizer || groups?.kind === 'words') return { kind: 'text', text: source };
  if (features) return { kind: 'table', columns: features.names, values: features.texts };
  return { kind: 'numbers', values: toNumbers([...tensors.values()][0]).slice(0, 64) };
}
