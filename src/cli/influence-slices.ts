import { openDataset } from '../data/datasets/open-dataset.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import type { Measure } from '../influence/slices/measured-query.ts';
import { classNames } from '../report/audit/class-reader.ts';
import { openSlices, type SliceQuery, theRest } from '../report/influence/slice-query.ts';

/** How a slice, or a gap between two, is asked about. */
export interface SliceOptions {
  readonly slice?: string;
  readonly gap?: string;
  readonly against?: string;
  readonly measure?: Measure;
  readonly from?: string;
  readonly fromLabels?: string;
  readonly class?: string;
}

/** Whether many rows are asked about. */
export const asksSlices = ({ slice, gap }: SliceOptions): boolean => slice !== undefined || gap !== undefined;

/** @throws WhereforeError `invalid-argument` for options that do not go together, before anything is opened */
export function checkSliceOptions(
  query: string | undefined,
  options: SliceOptions & { readonly plain?: boolean },
): void {
  const { slice, gap, against, measure, from, fromLabels } = options;
  const fail = (what: string, fix: string) => new WhereforeError('invalid-argument', what, { fix });
  if (!asksSlices(options)) {
    if (query === undefined)
      throw fail('no query', 'name an input, or with --from the number of a row, or rows by --slice or --gap');
    const belongs = { against, measure, 'from-labels': fromLabels };
    const [alone] = Object.entries(belongs).find(([, value]) => value !== undefined) ?? [];
    if (alone !== undefined) throw fail(`--${alone} belongs to --slice or --gap`, 'add one of them, or leave it out');
    return;
  }
  if (query !== undefined) throw fail('two queries: a row and a slice', `leave out ${query}, or the slice`);
  if (slice !== undefined && gap !== undefined) throw fail('two queries: a slice and a gap', 'leave out one of them');
  if (against !== undefined && gap === undefined) throw fail('--against belongs to --gap', 'write --gap for --slice');
  if (from === undefined) throw fail('a slice of which rows?', 'add --from, e.g. the held-out data');
  if (measure === 'rate' && options.class === undefined) throw fail('a rate of which class?', 'add --class');
  if (measure !== 'rate' && options.class !== undefined)
    throw fail('--class of a slice belongs to --measure rate', 'add --measure rate, or leave out --class');
  if (options.plain)
    throw fail('--plain is for the person whom one prediction is about', 'leave out --plain, or name one row');
}

/** Opens the rows of a slice or a gap, and measures them. @throws WhereforeError as `openSlices` */
export async function openSliceQuery(
  options: SliceOptions & { readonly layer?: string },
  model: LoadedModel,
  described: Parameters<typeof openDataset>[1],
  given: {
    /** The training rows. */
    readonly data: Dataset;
    readonly class: number | undefined;
    readonly signal: AbortSignal;
    readonly onProgress: (stage: string, done: number, total: number) => void;
  },
): Promise<SliceQuery> {
  const { slice, gap, against, measure = 'log-probability', layer, fromLabels } = options;
  const { data, ...rest } = given;
  const inputs = new Map(Object.entries((await data.read([0])).inputs));
  const classes = await classNames(data, model, inputs, {});
  // A file of labels says nothing of other rows.
  const labels = fromLabels ?? (described?.labels === undefined ? undefined : 'none');
  const from = await openDataset(options.from as string, {
    // Numbers that name no class stay numbers.
    ...{ ...described, ...(data.classes && { classes: [...data.classes] }), labels },
    ...(fromLabels !== undefined && { label: undefined }),
  });
  return openSlices({
    ...{ model, from, classes, measure, layer, ...rest },
    slice: (slice ?? gap) as string,
    ...(gap !== undefined && { against: against ?? theRest }),
  });
}
