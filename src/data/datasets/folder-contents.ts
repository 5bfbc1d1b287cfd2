import { WhereforeError } from '../../errors.ts';
import { hashOfFile } from '../files/file-hash.ts';
import { decodeText } from '../files/file-text.ts';
import { readBytes } from '../files/read-file.ts';
import type { ContentKind, Contents, OpenedContents, ReadColumn } from './contents.ts';
import type { DatasetOptions } from './dataset-options.ts';
import { eachFile, type FolderFiles, filesBelow, imageExtensions, imageFiles } from './image-rows.ts';

/** Kinds of files that a folder may be full of; the first that is there counts. */
const families: readonly {
  readonly kind: ContentKind;
  readonly endings: ReadonlySet<string>;
  contents(paths: readonly string[]): Contents;
}[] = [
  { kind: 'image', endings: imageExtensions, contents: (paths) => ({ kind: 'image', images: imageFiles(paths) }) },
  {
    kind: 'text',
    endings: new Set(['.txt', '.text']),
    contents: (paths) => ({
      kind: 'text',
      texts: (indices) =>
        Promise.all(
          Array.from(indices, async (index) => decodeText(await readBytes(paths[index], 'text'), paths[index]).trim()),
        ),
    }),
  },
];

/** A folder of images or of texts, sub-folders included, in alphabetical order: one row for each file. */
export async function openFolder(path: string, options: DatasetOptions): Promise<OpenedContents> {
  const wanted = families.filter(({ kind }) => options.kind === undefined || options.kind === kind);
  for (const { endings, contents } of wanted) {
    const files = await filesBelow(path, endings);
    if (files.paths.length === 0) continue;
    const { paths, names } = files;
    const placed = positionsOf(files, options);
    return {
      contents: contents(paths),
      length: paths.length,
      names,
      labels: placed.labels,
      columns: { file: columnOf(names), ...placed.columns },
      describe: (index) => paths[index],
      hashes: (indices) => eachFile(paths, indices, {}, (bytes) => hashOfFile([bytes])),
      notes: placed.notes,
    };
  }
  throw new WhereforeError(
    'invalid-data',
    `the folder holds no ${wanted.map(({ kind }) => `${kind}s`).join(' or ') || 'data that is read'}`,
    {
      where: path,
      expected: `files that end in ${wanted.flatMap(({ endings }) => [...endings]).join(' ')}`,
      fix: wanted.length === 0 ? 'a folder holds images or texts' : undefined,
    },
  );
}

const columnOf =
  (values: readonly string[]): ReadColumn =>
  async (indices) =>
    Array.from(indices, (index) => values[index]);

const splits: ReadonlySet<string> = new Set([
  'train',
  'training',
  'test',
  'testing',
  'val',
  'valid',
  'validation',
  'dev',
]);

/** What the sub-folders say: the class of a file; where they are called train and test, the split, and then the class. */
function positionsOf(
  { names, folders }: FolderFiles,
  { labels }: DatasetOptions,
): Pick<OpenedContents, 'labels' | 'columns' | 'notes'> {
  if (folders === undefined) return { columns: {}, notes: [] };
  const isSplit = folders.every((name) => splits.has(name.toLowerCase()));
  if (!isSplit) {
    const taken = labels === undefined || labels === 'folders';
    return { labels: folders, columns: {}, notes: taken ? ['classes are the sub-folders of the files'] : [] };
  }
  const below = names.map((name, i) => name.slice(folders[i].length + 1));
  const isDeep = below.every((name) => name.includes('/'));
  return {
    labels: isDeep ? below.map((name) => name.slice(0, name.indexOf('/'))) : undefined,
    columns: { split: columnOf(folders) },
    notes: [
      `the sub-folders ${[...new Set(folders)].join(', ')} are the column "split"${isDeep ? ', those below them the classes' : ''}`,
    ],
  };
}
