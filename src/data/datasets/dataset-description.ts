import * as z from 'zod/mini';

/** What the rows of a data set may be. */
export const contentKinds = ['image', 'text', 'table', 'tensor'] as const;

/** What a data set's rows are, in words that files do not say themselves: under `data:` in `wherefore.yaml`. */
export const datasetDescriptionSchema = z.strictObject({
  /** A file or a folder. In `wherefore.yaml`: relative to it, and below its folder. */
  path: z.string(),
  /** What the rows are. Default: by the file's ending, and by the files of a folder. */
  kind: z.optional(z.enum(contentKinds)),
  /** The column, or the array, that holds the label of each row. */
  label: z.optional(z.string()),
  /**
   * Where labels come from instead: `folders` (the sub-folder of a file; the default where all files lie in one),
   * `none`, or a file: an array with one for each row, or a table that names the files of a folder.
   */
  labels: z.optional(z.string()),
  /** Whether labels are classes or values. Default: classes for texts, and for whole numbers from 0 of at most 50 kinds. */
  labelKind: z.optional(z.enum(['class', 'value'])),
  /** Names of the classes in the order of their numbers. Default: those that occur, in alphabetical order. */
  classes: z.optional(z.array(z.string()).check(z.minLength(1))),
  /** The column that names the rows, a different name for each. Default: the names of files, else the contents. */
  id: z.optional(z.string()),
  /** The column that says how much each row counts. */
  weight: z.optional(z.string()),
  /** Columns of a table that are known about the rows and are no features: source, annotator, date, licence, split. */
  metadata: z.optional(z.array(z.string())),
  /** The column of a table that names the file of an image, relative to the table. */
  image: z.optional(z.string()),
  /** The column of a table that holds a text. */
  text: z.optional(z.string()),
  /** Kinds of columns that are not what their values look like: `{ postcode: category }`. */
  kinds: z.optional(z.record(z.string(), z.enum(['number', 'category', 'text']))),
  /** Of a CSV file: whether its first line names the columns, or their names. Default true. */
  header: z.optional(z.union([z.boolean(), z.array(z.string()).check(z.minLength(1))])),
  /** Of a CSV file. Default a comma, a tab in `.tsv`. */
  delimiter: z.optional(z.string().check(z.length(1))),
});

/** What stands under `data:`: data sets by name, such as `train` and `test`. */
export const datasetsSchema = z.record(z.string(), datasetDescriptionSchema);

export type DatasetDescription = z.output<typeof datasetDescriptionSchema>;
