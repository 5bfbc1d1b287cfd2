import type { AuditDocument, AuditedRow } from '../../influence/audit/document.ts';
import { tensor } from '../../tensor/tensor.ts';
import { base64 } from '../base64.ts';
import { pngOf } from '../png.ts';
import type { RowView, RowViews } from './row-view.ts';

/** Tiles on a sheet: so few images that a sheet is decoded at once, so many that there are few sheets. */
const tilesAside = 16;
const tilesOnSheet = tilesAside * tilesAside;

/** Longest side of a tile, in pixels. */
const tileSide = 64;

/** What the page holds of a row: an image as sheet and tile, else what is written. */
export type PageView =
  | { readonly sheet: number; readonly tile: number }
  | { readonly text: string }
  | { readonly values: readonly string[] };

/** Everything that the page shows, as plain JSON. */
export interface PageData {
  readonly key: string;
  readonly classes: readonly string[];
  readonly rows: readonly AuditedRow[];
  /** By position in the data: the listed rows and their neighbours. */
  readonly views: Readonly<Record<number, PageView>>;
  readonly ids: Readonly<Record<number, string>>;
  readonly columns?: readonly string[];
  readonly sheets: readonly string[];
  /** Tiles beside each other on a sheet, and the side of one. */
  readonly aside: number;
  readonly side: number;
}

/** Rows that the page lists at most; the document has all. */
const mostRows = 10_000;

/** The rows of an audit with what they look like: images on sheets, so that ten thousand are a few dozen files. */
export async function pageData(document: AuditDocument, views: RowViews): Promise<PageData> {
  const rows = document.rows.slice(0, mostRows);
  const shown = new Set<number>();
  for (const { row, neighbours } of rows) {
    shown.add(row);
    for (const { row: other } of neighbours) shown.add(other);
  }
  const order = [...shown].sort((a, b) => a - b);
  const seen: Record<number, PageView> = {};
  const sheets: string[] = [];
  let columns: readonly string[] | undefined;
  for (let first = 0; first < order.length; first += tilesOnSheet) {
    const some = order.slice(first, first + tilesOnSheet);
    const drawn = await views(some);
    if (drawn[0].kind === 'image') {
      sheets.push(await sheetOf(drawn));
      for (const [tile, row] of some.entries()) seen[row] = { sheet: sheets.length - 1, tile };
      continue;
    }
    for (const [i, row] of some.entries()) {
      const view = drawn[i];
      if (view.kind === 'table') columns ??= view.columns;
      seen[row] = written(view);
    }
  }
  return {
    key: document.data.key,
    classes: document.classes,
    rows,
    views: seen,
    ids: Object.fromEntries(rows.map(({ row, id }) => [row, id])),
    ...(columns && { columns }),
    sheets,
    aside: tilesAside,
    side: tileSide,
  };
}

function written(view: RowView): PageView {
  if (view.kind === 'text') return { text: view.text };
  if (view.kind === 'table') return { values: view.values };
  if (view.kind === 'numbers') return { values: view.values.map((value) => String(Math.fround(value))) };
  return { text: `an image of ${view.width} × ${view.height}` };
}

/** A PNG with the images in its tiles, each shrunk by whole steps to fit or enlarged by whole steps. */
async function sheetOf(views: readonly RowView[]): Promise<string> {
  const side = tilesAside * tileSide;
  const height = Math.ceil(views.length / tilesAside) * tileSide;
  const sheet = new Uint8Array(side * height * 3);
  for (const [i, view] of views.entries()) {
    if (view.kind === 'image')
      drawTile(view, sheet, side, (i % tilesAside) * tileSide, Math.floor(i / tilesAside) * tileSide);
  }
  const png = pngOf(tensor('uint8', [height, side, 3], sheet));
  return `data:image/png;base64,${base64(png)}`;
}

type ImageView = Extract<RowView, { kind: 'image' }>;

/** The nearest pixel of the image for each of the tile. */
function drawTile(
  { width, height, pixels }: ImageView,
  sheet: Uint8Array,
  side: number,
  left: number,
  top: number,
): void {
  const scale = tileSide / Math.max(width, height);
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  for (let y = 0; y < high; y++) {
    const from = Math.min(height - 1, Math.floor((y + 0.5) / scale)) * width;
    for (let x = 0; x < wide; x++) {
      const pixel = (from + Math.min(width - 1, Math.floor((x + 0.5) / scale))) * 3;
      const to = ((top + y) * side + left + x) * 3;
      for (let c = 0; c < 3; c++) sheet[to + c] = pixels[pixel + c];
    }
  }
}
