import type { Box } from '../../attribution/detector-grid.ts';
import type { GridTransform } from '../../data/grid.ts';
import { boxOnPicture } from '../boxes.ts';
import { type Html, html } from '../html.ts';

/** A detection on a picture. */
export interface ShownBox {
  readonly box: Box;
  readonly label: string;
}

/** Outlines over a picture, in light on dark so that they are seen on any ground. */
export function renderBoxes(boxes: readonly ShownBox[], transform: GridTransform): Html | undefined {
  if (boxes.length === 0) return undefined;
  const [height, width] = transform.source;
  const names = boxes.map(({ label }) => label).join(', ');
  return html`<svg class="boxes" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="Found: ${names}">${boxes.map(
    ({ box }) => {
      const [left, top, right, bottom] = boxOnPicture(box, transform);
      const frame = html`x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${(right - left).toFixed(1)}" height="${(bottom - top).toFixed(1)}"`;
      return html`<rect class="under" ${frame}/><rect ${frame}/>`;
    },
  )}</svg>${boxes.map(({ box, label }) => {
    const [left, top] = boxOnPicture(box, transform);
    return html`<span class="box-name" aria-hidden="true" style="left:${((100 * left) / width).toFixed(1)}%;top:${((100 * top) / height).toFixed(1)}%">${label}</span>`;
  })}`;
}
