import { extname } from 'node:path';
import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { readText } from '../data/files/read-file.ts';
import { tensorReaders } from '../data/formats/tensor-file.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import type { GroupsChoice } from '../explain/given-groups.ts';
import { type Form, formIn, formTexts, unknownForm } from '../forms.ts';
import { fromNumbers } from '../tensor/convert.ts';
import { sizeOf } from '../tensor/tensor.ts';

type ReadGroups = (
  argument: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
) => GroupsChoice | Promise<GroupsChoice>;

const forms: readonly Form<ReadGroups>[] = [
  { text: 'elements', words: ['elements'], read: () => ({ kind: 'elements' }) },
  { text: 'channels', words: ['channels'], read: () => ({ kind: 'channels' }) },
  {
    text: 'windows:SIZE',
    prefix: 'windows',
    read: (text) => ({ kind: 'windows', size: countIn(text, 'windows:SIZE') }),
  },
  {
    text: 'superpixels:COUNT',
    prefix: 'superpixels',
    read: (text) => ({ kind: 'superpixels', count: countIn(text, 'superpixels:COUNT') }),
  },
  {
    text: 'a .json file of names with lists of positions',
    matches: (text) => extname(text).toLowerCase() === '.json',
    read: async (path) => namedGroups(await readText(path, 'document'), path),
  },
  {
    text: 'a tensor file of whole numbers in the shape of the input',
    matches: (text) => extname(text).toLowerCase() in tensorReaders,
    read: async (path, model, preprocessing) => {
      const [{ tensors }] = await readModelInputs(model, path, preprocessing);
      return { kind: 'indices', tensors };
    },
  },
];

/** How groups are written, for help and messages. */
export const groupForms = formTexts(forms);

/**
 * Reads groups of features as a person writes them: `superpixels:100`, `windows:16`, `channels`, `organs.npy`, or
 * `vitals.json` with `{ "heart rate": [0, 1, 2], "pressure": [3, 4] }`, positions in the input as one row of numbers.
 * @throws WhereforeError `invalid-argument` naming the forms that exist, `invalid-data` for a file that holds no groups
 */
export async function parseGroups(
  text: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<GroupsChoice> {
  const found = formIn(text, forms);
  if (found) return found.form.read(found.argument, model, preprocessing);
  throw unknownForm(`--groups ${text}: there are no such groups`, text, forms, { example: '100' });
}

function countIn(text: string, form: string): number {
  if (/^\d+$/.test(text) && Number(text) > 0) return Number(text);
  throw new WhereforeError('invalid-argument', '--groups', {
    got: text || 'nothing',
    expected: `${form}, a whole number from 1 up`,
  });
}

const listsOfPositions = z.record(z.string(), z.array(z.int().check(z.minimum(0))).check(z.minLength(1)));

function namedGroups(content: string, where: string): GroupsChoice {
  let parsed: z.core.util.SafeParseResult<Record<string, number[]>>;
  try {
    parsed = checked(listsOfPositions, JSON.parse(content));
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not a JSON file', { where, cause });
  }
  if (!parsed.success) {
    throw new WhereforeError('invalid-data', 'the file holds no groups', {
      where,
      got: z.prettifyError(parsed.error),
      expected: 'names with lists of positions: { "heart rate": [0, 1, 2], "pressure": [3, 4] }',
    });
  }
  const groups = Object.entries(parsed.data);
  return (input) => ({ kind: 'indices', ...numbered(input, groups, where), names: groups.map(([name]) => name) });
}

/** The number of its group for each element of the input, −1 for those that no list names. */
function numbered({ tensors }: ModelInput, groups: readonly (readonly [string, readonly number[]])[], where: string) {
  const floats = [...tensors].filter(([, { type }]) => type === 'float32');
  const [[name, { shape }], ...others] = floats.length ? floats : [...tensors];
  if (others.length && floats.length !== 1) {
    throw new WhereforeError('invalid-argument', 'positions are of one input, and the model has several', {
      where,
      got: [name, ...others.map(([other]) => other)].map((one) => `"${one}"`).join(', '),
      fix: 'give an .npz or .safetensors file with whole numbers for each of them',
    });
  }
  const labels = new Array<number>(sizeOf(shape)).fill(-1);
  for (const [k, [group, positions]] of groups.entries()) {
    for (const position of positions) {
      if (position < labels.length && labels[position] < 0) labels[position] = k;
      else {
        throw new WhereforeError('invalid-data', `group "${group}"`, {
          where,
          got: `position ${position}${position < labels.length ? `, which "${groups[labels[position]][0]}" has already` : ''}`,
          expected: `each of 0 to ${labels.length - 1} at most once`,
        });
      }
    }
  }
  return { tensors: new Map([[name, fromNumbers('int32', shape, labels)]]) };
}
