import { attribute } from '../../attribution/attribute.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import type { InfluenceDocument } from '../../influence/influence-document.ts';
import { isMeasured } from '../../influence/text-of-f.ts';
import type { RowMap, RowMaps } from '../../page/influence/row-map.ts';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { classReader } from '../audit/class-reader.ts';

/** Rows of each list of all rows that get a map. */
const mapped = 6;

/** Gradients of a map: enough to look at; `wherefore explain` says how exact one is. */
const steps = 16;

/** Integrated gradients from a baseline of zeros. */
export const mapMethod = `integrated gradients from zeros, ${steps} steps`;

interface MapOptions {
  readonly model: LoadedModel;
  readonly data: Dataset;
  readonly query: Dataset;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

/**
 * Attribution maps of the query and of its first proponents and opponents, all of the same f, so that one scale holds
 * for all. Undefined for a model whose input is no image, and for a query of many rows.
 */
export async function rowMaps(document: InfluenceDocument, options: MapOptions): Promise<RowMaps | undefined> {
  const { model, data, query, signal, onProgress } = options;
  // Many rows have no map in common.
  if (isMeasured(document.query)) return undefined;
  const { target: asClass } = document.query;
  const asked = new Map(Object.entries((await query.read([0])).inputs));
  const axes = imageAxes([...asked.values()]);
  if (!axes) return undefined;
  const { output, reading } = await classReader(model, asked, document.classes, {});
  const { binary, stated: scale } = reading;
  const target = { kind: 'classLogProbability', class: asClass, output, binary, scale } as const;
  const mapOf = async (inputs: ReadonlyMap<string, Tensor>): Promise<RowMap> => {
    throwIfCancelled(signal);
    const parameters = { steps };
    const baseline = { kind: 'zero' } as const;
    const { values } = await attribute(model, { inputs, target, baseline, method: 'integrated-gradients', parameters });
    return { values: overChannels([...values.values()][0] as Tensor<'float32'>, axes) };
  };
  const { proponents, opponents } = document.all;
  const rows = [...proponents.slice(0, mapped), ...opponents.slice(0, mapped)].map(({ row }) => row);
  const maps = new Map<number, RowMap>();
  for (const [k, row] of rows.entries()) {
    maps.set(row, await mapOf(new Map(Object.entries((await data.read([row])).inputs))));
    onProgress?.('maps', k + 1, rows.length);
  }
  return { query: await mapOf(asked), rows: maps };
}

interface ImageAxes {
  readonly channel: 1 | 3;
}

/** The axes of the one input that is an image: one or three channels, in front or behind. */
function imageAxes(inputs: readonly Tensor[]): ImageAxes | undefined {
  const [input, ...others] = inputs;
  if (others.length > 0 || input?.type !== 'float32' || input.shape.length !== 4) return undefined;
  const isColour = (size: number) => size === 1 || size === 3;
  if (isColour(input.shape[1]) && input.shape[2] > 3 && input.shape[3] > 3) return { channel: 1 };
  return isColour(input.shape[3]) && input.shape[1] > 3 && input.shape[2] > 3 ? { channel: 3 } : undefined;
}

/** Contributions of one image, added up over its channels. */
function overChannels({ shape, data }: Tensor<'float32'>, { channel }: ImageAxes): Tensor<'float32'> {
  const [, a, b, c] = shape;
  const [channels, height, width] = channel === 1 ? [a, b, c] : [c, a, b];
  const sums = new Float32Array(height * width);
  for (let p = 0; p < sums.length; p++)
    for (let k = 0; k < channels; k++) sums[p] += data[channel === 1 ? k * sums.length + p : p * channels + k];
  return float32([height, width], sums);
}
