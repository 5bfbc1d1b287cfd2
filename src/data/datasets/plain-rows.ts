import { basename } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { rowInputOf } from '../inputs/row-model.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { completePreprocessing } from '../model/preprocessing-text.ts';
import type { OpenedContents } from './contents.ts';
import type { TableRows } from './table-rows.ts';

/** How a table without a description becomes the input of a model of rows. */
export interface PlainRows {
  readonly preprocessing: Preprocessing;
  readonly notes: readonly string[];
}

/**
 * The columns of a table as the input of a model that takes as many numbers, in the order of the file; undefined where the
 * model takes no rows, or its description says how they become its input.
 * @throws WhereforeError `invalid-argument` where columns hold no numbers, or the model takes images, `invalid-data` where they are more or fewer
 *   than the model takes
 */
export function plainRows(
  { contents }: OpenedContents,
  model: LoadedModel,
  preprocessing: Preprocessing,
  where: string,
): PlainRows | undefined {
  if (contents.kind !== 'table') return undefined;
  const row = rowInputOf(model.source);
  const kinds = Object.values(preprocessing.inputs).map(({ kind }) => kind);
  const isDescribed = kinds.includes('table') || kinds.includes('text');
  if (kinds.includes('image') && !isDescribed) throw unnamedImages(contents.table, where);
  if (!row || isDescribed) return undefined;
  const { table, features } = contents;
  const apart = `say which column is the label (--label) and which are no features (--id, --metadata)`;
  const fix = `${apart}, or describe the columns: wherefore inspect ${basename(model.path ?? model.name)} --data ${basename(where)}`;
  const others = features.filter((name) => table.column(name).kind !== 'number');
  if (others.length > 0) {
    throw new WhereforeError('invalid-argument', 'columns hold no numbers, and nothing says how they become some', {
      where,
      got: others.join(', '),
      fix,
    });
  }
  if (row.width !== undefined && row.width !== features.length) {
    throw new WhereforeError('invalid-data', 'the columns do not give as many numbers as the model takes', {
      where,
      got: `${features.length}: ${features.slice(0, 30).join(', ')}${features.length > 30 ? ', …' : ''}`,
      expected: `${row.width} for "${row.name}"`,
      fix,
    });
  }
  const missing = row.takesMissing ? ('keep' as const) : undefined;
  const columns = features.map((name) => ({ name, encode: 'number' as const, ...(missing && { missing }) }));
  return {
    preprocessing: completePreprocessing({ ...preprocessing, inputs: { [row.name]: { kind: 'table', columns } } }),
    notes: [
      `no wherefore.yaml describes the columns: those that are no label, id or metadata go to "${row.name}" as they are, in the order of the file: ${features.join(', ')}`,
    ],
  };
}

/** A model of images beside a table that is not said to name any. */
function unnamedImages({ columns }: TableRows, where: string): WhereforeError {
  const names = columns.map(({ name }) => name);
  const likely = columns.find(({ kind }) => kind !== 'number')?.name ?? names[0];
  return new WhereforeError('invalid-argument', 'the model takes images: which column names their files?', {
    where,
    got: names.join(', '),
    fix: `name it: --image ${likely}, or image: ${likely} in wherefore.yaml`,
  });
}
