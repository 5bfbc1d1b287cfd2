import type { OnnxModel } from '../../onnx/graph.ts';
import { fileName } from '../../paths.ts';
import type { Beside } from './beside.ts';

/** Names of the classes of a model, and where they stand. */
export interface Labels {
  readonly names: readonly string[];
  /** In words: `config.json beside the model`, `the model's metadata`. */
  readonly from: string;
  /** The file beside the model that lists them. */
  readonly file?: string;
  /** Whether the file was taken for its name and its length alone. */
  readonly isGuess?: boolean;
}

/** Whether an axis of an output could run over so many classes: detections have 4 or 5 numbers more. */
const isAxisOf = (count: number) => (size: unknown) => size === count || size === count + 4 || size === count + 5;

/** Whether an output tells so many classes apart: one axis has that size, or a single number tells two apart. */
function hasClasses({ graph }: OnnxModel, count: number): boolean {
  return graph.outputs.some(
    ({ shape }) =>
      shape?.slice(1).some(isAxisOf(count)) || (count === 2 && shape?.slice(1).every((size) => size === 1)),
  );
}

/** Whether an output could tell so many classes apart: it does, or has an axis of unknown size. */
export function mayHaveClasses(model: OnnxModel, count: number): boolean {
  const isOpen = model.graph.outputs.some(
    ({ shape }) => !shape || shape.slice(1).some((size) => typeof size !== 'number'),
  );
  return isOpen || hasClasses(model, count);
}

/**
 * What the classes are called, by files that name them beside the model, else by its metadata, else by its classifier,
 * else by the one list of as many names beside it that is called so. Names that fit no output are not taken, which a
 * note says.
 */
export function labelsOfModel(
  model: OnnxModel,
  beside: Beside | undefined,
): { readonly labels?: Labels; readonly notes: readonly string[] } {
  const named = beside?.labels;
  if (named && mayHaveClasses(model, named.names.length)) {
    const { names, file } = named;
    const isBeside = beside.folders.some((folder) => file === `${folder}/${fileName(file)}`);
    return { labels: { names, file, from: `${fileName(file)}${isBeside ? ' beside the model' : ''}` }, notes: [] };
  }
  const notes = named
    ? [
        `${fileName(named.file)} beside the model is not used: it names ${named.names.length} classes, and no output has so many`,
      ]
    : [];
  const stated = labelsInMetadata(model);
  if (stated) return { labels: { names: stated, from: "the model's metadata" }, notes };
  const inGraph = labelsInGraph(model);
  if (inGraph) return { labels: { names: inGraph, from: "the model's classifier" }, notes };
  const listed = listedLabels(model, beside);
  return { labels: listed.labels, notes: [...notes, ...listed.notes] };
}

/** Fewer lines than these are no sign of a list of classes. */
const leastOffered = 5;

/** The only list of as many names as the model has classes, where it is called so; others are pointed to. */
function listedLabels(
  model: OnnxModel,
  beside: Beside | undefined,
): { readonly labels?: Labels; readonly notes: readonly string[] } {
  const fitting = (beside?.lists ?? []).filter(({ names }) => hasClasses(model, names.length));
  const called = fitting.filter(({ isCalledSo }) => isCalledSo);
  if (called.length === 1) {
    const [{ names, file }] = called;
    return { labels: { names, file, from: `${fileName(file)} beside the model`, isGuess: true }, notes: [] };
  }
  const offered = called.length > 1 ? called : fitting.filter(({ names }) => names.length >= leastOffered);
  const files = offered.map(({ file }) => fileName(file));
  if (files.length === 0) return { notes: [] };
  const found =
    files.length === 1
      ? `${files[0]} beside the model holds as many names as there are classes, and is not used unasked`
      : `${files.join(', ')} beside the model hold as many names as there are classes, and none is used unasked`;
  return { notes: [`${found}: "labels: ${files[0]}" in a wherefore.yaml takes it`] };
}

/** Class names in the metadata: a JSON list or object, or a Python dictionary as Ultralytics writes it. */
function labelsInMetadata(model: OnnxModel): string[] | undefined {
  const text = model.metadata.get('names') ?? model.metadata.get('classes') ?? model.metadata.get('labels');
  if (!text) return undefined;
  const pairs = [...text.matchAll(/(\d+)"?\s*:\s*(?:'([^']*)'|"([^"]*)")/g)];
  if (pairs.length && pairs.every(([, key], i) => key === String(i)))
    return pairs.map(([, , single, double]) => single ?? double);
  const list = /^\s*\[(.*)\]\s*$/s.exec(text);
  const items = list ? [...list[1].matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double) : [];
  return items.length ? items : undefined;
}

/** Class names of a classifier's node (ai.onnx.ml): its string labels, or whole numbers other than 0, 1, 2, …. */
function labelsInGraph({ graph }: OnnxModel): string[] | undefined {
  for (const { attributes } of [...graph.nodes].reverse()) {
    const names = attributes.classlabels_strings;
    if (names?.kind === 'strings' && names.value.length > 0) return [...names.value];
    const numbers = attributes.classlabels_int64s ?? attributes.classlabels_ints;
    if (numbers?.kind !== 'ints' || numbers.value.length === 0) continue;
    const isIndex = numbers.value.every((value, i) => Number(value) === i);
    if (!isIndex) return [...numbers.value].map(String);
  }
  return undefined;
}
