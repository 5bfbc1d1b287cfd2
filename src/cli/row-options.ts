import type { Command } from 'commander';
import * as z from 'zod/mini';
import { list } from './options.ts';

/** How the rows of a data set are opened: the words of the command. */
export const rowsDescribed = z.object({
  label: z.optional(z.string()),
  labels: z.optional(z.string()),
  id: z.optional(z.string()),
  metadata: z.optional(z.array(z.string())),
  text: z.optional(z.string()),
  image: z.optional(z.string()),
});

/** What {@link withRows} adds to a command. */
export type RowsDescribed = z.infer<typeof rowsDescribed>;

/** What the columns of the training rows are. */
export function withRows(command: Command): Command {
  return command
    .option('--label <column>', 'the column of the labels; default: sub-folders, or what wherefore.yaml says')
    .option('--labels <file>', 'a file with the labels of the training rows, one for each')
    .option('--id <column>', 'the column that names the rows; decisions are kept by it')
    .option(
      '--metadata <columns>',
      'columns that are no features: annotator, source, date; groups are made of them',
      list,
    )
    .option('--text <column>', 'the column that holds a text; default: the only one, where the model takes texts')
    .option('--image <column>', 'the column that names the file of an image, from the folder of the table');
}

/** Of the options of a command, those that describe its rows. */
export function describedRows({ label, labels, id, metadata, text, image }: RowsDescribed): RowsDescribed {
  return { label, labels, id, metadata, text, image };
}
