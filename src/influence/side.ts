import { dotRows, type Matrix, type Matrix64, product, transposed, zeros } from './matrix.ts';

/** Square matrices along the diagonal, each for its own stretch; without any, what is multiplied stays as it is. */
export interface AlongDiagonal {
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly Matrix[];
}

/** What a side of a block's gradient is multiplied with. */
export type Side = Matrix | AlongDiagonal;

/** The side as it is: never written out, so that a vocabulary may be one. */
export const unchanged = (size: number): AlongDiagonal => ({ rows: size, columns: size, parts: [] });

/** Square matrices along the diagonal. */
export function alongDiagonal(parts: readonly Matrix[]): AlongDiagonal {
  const size = parts.reduce((sum, { rows }) => sum + rows, 0);
  return { rows: size, columns: size, parts };
}

/** The matrix, or each of its parts, with rows and columns exchanged. */
export function turned(side: Side): Side {
  return 'parts' in side ? { ...side, parts: side.parts.map(transposed) } : transposed(side);
}

/** `S G`. */
export function sideTimes(side: Side, g: Matrix): Matrix {
  if (!('parts' in side)) return product(side, g);
  if (side.parts.length === 0) return g;
  const result = zeros(side.rows, g.columns);
  let from = 0;
  for (const part of side.parts) {
    const stretch = { ...g, rows: part.rows, data: g.data.subarray(from * g.columns, (from + part.rows) * g.columns) };
    result.data.set(product(part, stretch).data, from * g.columns);
    from += part.rows;
  }
  return result;
}

/** `G Sᵀ`. */
export function timesSide(g: Matrix, side: Side): Matrix {
  if (!('parts' in side)) return dotRows(g, side);
  if (side.parts.length === 0) return g;
  const result = zeros(g.rows, side.rows);
  let from = 0;
  for (const part of side.parts) {
    const stretch = zeros(g.rows, part.columns);
    for (let i = 0; i < g.rows; i++)
      stretch.data.set(g.data.subarray(i * g.columns + from, i * g.columns + from + part.columns), i * part.columns);
    const own = dotRows(stretch, part);
    for (let i = 0; i < g.rows; i++)
      result.data.set(own.data.subarray(i * part.rows, (i + 1) * part.rows), i * side.rows + from);
    from += part.columns;
  }
  return result;
}

/** `L · G · Rᵀ`, in numbers of its own. */
export function bothSides(g: Matrix, { left, right }: { readonly left: Side; readonly right: Side }): Matrix64 {
  const { rows, columns, data } = sideTimes(left, timesSide(g, right));
  return { rows, columns, data: Float64Array.from(data) };
}
