import { readText } from '../../src/data/files/read-file.ts';
import { readCsv, type Table } from '../../src/data/index.ts';

/** Columns of `adult.data` of the UCI repository, which has no header. */
export const names = [
  'age',
  'workclass',
  'weight',
  'education',
  'education_years',
  'marital_status',
  'occupation',
  'relationship',
  'race',
  'sex',
  'capital_gain',
  'capital_loss',
  'hours_per_week',
  'native_country',
  'income',
] as const;

/** What the columns are called in explanations, and what they are counted in. */
export const shown: Readonly<Record<string, { readonly title: string; readonly unit?: string }>> = {
  age: { title: 'Age', unit: 'years' },
  workclass: { title: 'Employer' },
  education_years: { title: 'Education', unit: 'years' },
  marital_status: { title: 'Marital status' },
  occupation: { title: 'Occupation' },
  relationship: { title: 'Place in the family' },
  race: { title: 'Race' },
  sex: { title: 'Sex' },
  capital_gain: { title: 'Capital gains', unit: '$' },
  capital_loss: { title: 'Capital losses', unit: '$' },
  hours_per_week: { title: 'Work a week', unit: 'hours' },
  native_country: { title: 'Born in' },
};

/** Not features: the survey's weight, the education once more as text, the answer. */
export const leftOut: ReadonlySet<string> = new Set(['weight', 'education', 'income']);

export const classes = ['at most $50,000', 'above $50,000'] as const;

/** The rows of `adult.data`; missing values (`?`) are missing. */
export async function readAdult(path: string): Promise<Table> {
  return readCsv(await readText(path, 'table'), { header: names, where: path });
}
