import { resolve } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { formatShape } from '../../tensor/tensor.ts';
import { type Beside, nothingBeside } from './beside.ts';
import { mayHaveClasses } from './model-labels.ts';
import { readLabels } from './preprocessing-file.ts';
import type { LoadedPreprocessing } from './preprocessing-text.ts';

/** Files that a caller names in place of those beside the model and of those that its `wherefore.yaml` names. */
export interface NamedFiles {
  /** Path of the names of the classes by index: a line each, or JSON. */
  readonly labels?: string;
  /** Path of a `tokenizer.json`. */
  readonly tokenizer?: string;
}

/** What is used beside a model. */
export interface Around {
  readonly beside: Beside | undefined;
  readonly written: LoadedPreprocessing | undefined;
}

/**
 * What is known beside a model, with the files that were named in place of those that were found.
 * @throws WhereforeError `wrong-shape` for labels of which there are as many as no output has numbers; as
 *   {@link readLabels}
 */
export async function withNamedFiles(
  model: OnnxModel,
  { beside, written }: Around,
  { labels, tokenizer }: NamedFiles,
): Promise<Around> {
  if (labels === undefined && tokenizer === undefined) return { beside, written };
  const names = labels === undefined ? undefined : await readLabels(labels);
  if (names && !mayHaveClasses(model, names.length)) {
    throw new WhereforeError('wrong-shape', 'no output of the model has as many classes as there are labels', {
      where: labels,
      got: `${names.length} labels`,
      expected: model.graph.outputs.map(({ name, shape }) => `"${name}" ${shape ? formatShape(shape) : ''}`).join(', '),
    });
  }
  const found = beside ?? nothingBeside;
  return {
    beside: {
      ...found,
      ...(labels !== undefined && names && { labels: { names, file: resolve(labels) }, lists: undefined }),
      ...(tokenizer !== undefined && {
        files: { ...found.files, tokenizer: resolve(tokenizer) },
        access: {},
      }),
    },
    written: written && {
      ...written,
      ...(names && { labels: names }),
      preprocessing: {
        ...written.preprocessing,
        ...(names && { labels: names }),
        ...(tokenizer !== undefined && { inputs: withoutTokenizers(written.preprocessing.inputs) }),
      },
    },
  };
}

function withoutTokenizers(inputs: LoadedPreprocessing['preprocessing']['inputs']) {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      input.kind === 'text' ? { ...input, tokenizer: undefined } : input,
    ]),
  );
}
