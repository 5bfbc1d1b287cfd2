import { tensor } from '../tensor/tensor.ts';
import type { RowView } from './audit/row-view.ts';
import { base64 } from './base64.ts';
import { type Html, html } from './html.ts';
import { pngOf } from './png.ts';

/** A row that is an image, as it is. */
export function rowImage({ width, height, pixels }: Extract<RowView, { kind: 'image' }>): Html {
  const png = pngOf(tensor('uint8', [height, width, 3], pixels));
  return html`<img alt="" src="data:image/png;base64,${base64(png)}">`;
}

/** A row that is no image, in one line. */
export function rowText(view: Exclude<RowView, { kind: 'image' }>): string {
  if (view.kind === 'text') return view.text;
  if (view.kind === 'table') return view.columns.map((column, j) => `${column} ${view.values[j]}`).join(', ');
  return view.values.map((value) => String(Number(value.toPrecision(4)))).join(', ');
}
