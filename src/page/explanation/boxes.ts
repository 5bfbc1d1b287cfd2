import { boxOnImage } from '../../attribution/box-on-image.ts';
import type { Box } from '../../attribution/detector-grid.ts';
import type { GridTransform } from '../../data/inputs/grid.ts';
import { type Html, html } from '../html.ts';

/** A detection on an image. */
export interface ShownBox {
  readonly box: Box;
  readonly label: string;
  /** Whether it is the one that is explained: a solid line, the others are dashed. */
  readonly explained: boolean;
}

/** Outlines over an image, in light on dark so that they are seen on any ground. Their names stand in the caption. */
export function renderBoxes(boxes: readonly ShownBox[], transform: GridTransform): Html | undefined {
  if (boxes.length === 0) return undefined;
  const [height, width] = transform.source;
  const names = boxes.map(({ label }) => label).join(', ');
  return html`<svg class="boxes" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="Found: ${names}">${boxes.map(
    ({ box, explained }) => {
      const [left, top, right, bottom] = boxOnImage(box, transform);
      const frame = html`x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${(right - left).toFixed(1)}" height="${(bottom - top).toFixed(1)}"`;
      return html`<rect class="under" ${frame}/><rect class="${explained ? '' : 'other'}" ${frame}/>`;
    },
  )}</svg>`;
}

/** `Solid box: cat, which is explained; dashed: dog, 2 × person.` undefined without boxes. */
export function boxWords(boxes: readonly ShownBox[]): string | undefined {
  const [explained, others] = [true, false].map((which) => counted(boxes.filter((box) => box.explained === which)));
  const parts = [explained && `solid box: ${explained}, which is explained`, others && `dashed: ${others}`].filter(
    Boolean,
  );
  const text = parts.join('; ');
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : undefined;
}

/** Labels with how often each is there. */
function counted(boxes: readonly ShownBox[]): string {
  const counts = new Map<string, number>();
  for (const { label } of boxes) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => (count > 1 ? `${count} × ${label}` : label)).join(', ');
}
