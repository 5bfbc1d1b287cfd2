import type { Command } from 'commander';
import * as z from 'zod/mini';

/** Files that a command names in place of those beside the model, as parameters of shards. */
export const namedFiles = {
  preprocessing: z.optional(z.string()),
  labels: z.optional(z.string()),
  tokenizer: z.optional(z.string()),
};

const schema = z.object(namedFiles);

/** What {@link withNamedFiles} and `withPreprocessing` add to a command. */
export type NamedFileOptions = Readonly<z.infer<typeof schema>>;

/** Of commands for which `--labels` are not those of rows. */
export function withNamedFiles(command: Command): Command {
  return command
    .option('--labels <file>', 'names of the classes, a line each or JSON; default: those found beside the model')
    .option('--tokenizer <file>', 'a tokenizer.json; default: the one beside the model');
}

/** The options of `loadModel` for them. */
export const filesOf = ({ preprocessing, labels, tokenizer }: NamedFileOptions): NamedFileOptions => ({
  preprocessing,
  labels,
  tokenizer,
});

/** The options of `loadModel` for them on the machine of a shard. */
export async function filesAt(
  { preprocessing, labels, tokenizer }: NamedFileOptions,
  file: (path: string) => Promise<string>,
): Promise<NamedFileOptions> {
  const at = async (path: string | undefined) => (path === undefined ? undefined : file(path));
  return { preprocessing: await at(preprocessing), labels: await at(labels), tokenizer: await at(tokenizer) };
}
