import { type Tensor, tensor } from '../../tensor/tensor.ts';
import { base64 } from '../base64.ts';
import { divergingColour } from '../colour-map.ts';
import { type Html, html } from '../html.ts';
import { pngOf } from '../png.ts';

/** What each position of the model's view of a row contributes to f, added up over channels. */
export interface RowMap {
  /** height × width, in the unit of f. */
  readonly values: Tensor<'float32'>;
}

/** Attribution maps of the query and of rows, all of the same f. */
export interface RowMaps {
  readonly query: RowMap;
  readonly rows: ReadonlyMap<number, RowMap>;
}

/** Share of all positions that may lie beyond the end colours: a few extreme ones would leave the rest pale. */
const beyond = 0.005;

/** The value that gets the end colour, one for all maps. */
export function commonLimit({ query, rows }: RowMaps): number {
  const all: number[] = [];
  for (const { values } of [query, ...rows.values()]) for (const value of values.data) all.push(Math.abs(value));
  all.sort((a, b) => a - b);
  return all[Math.min(all.length - 1, Math.floor((1 - beyond) * all.length))];
}

/** A map in blue (against f) and red (for it). */
export function rowMapImage({ values }: RowMap, limit: number): Html {
  const [height, width] = values.shape;
  const pixels = new Uint8Array(height * width * 3);
  for (let i = 0; i < values.data.length; i++)
    pixels.set(divergingColour(limit > 0 ? values.data[i] / limit : 0), 3 * i);
  const png = pngOf(tensor('uint8', [height, width, 3], pixels));
  return html`<img class="map" alt="attribution map" src="data:image/png;base64,${base64(png)}">`;
}
