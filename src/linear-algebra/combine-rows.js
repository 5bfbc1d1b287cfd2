// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.

/** Columns that are combined at a time: a panel of some hundred rows stays in the processor's cache. */
const panelWidth = 64;

/**
 * Replaces rows by combinations of them: `row_j ← Σ_i mix[j, i] row_i`. Rows that lie in one half of the columns alone are
 * zero in the other and are left out there.
 *
 * @param {Float64Array} vectors rows of n @param {number} n
 * @param {Float64Array} mix k×k @param {readonly number[]} kept the k rows
 * @param {{ low: number, middle: number, high: number, halves: Uint8Array }} part
 */
export function combineRows(vectors, n, mix, kept, { low, middle, high, halves }) {
  const k = kept.length;
  for (const half of [0, 1]) {
    const used = kept.map((_, i) => i).filter((i) => halves[kept[i]] === half || halves[kept[i]] === 2);
    const [start, end] = half === 0 ? [low, middle] : [middle, high];
    // Only the used columns of the mix, side by side.
    const packed = new Float64Array(k * used.length);
    for (let j = 0; j < k; j++)
      for (let i = 0; i < used.length; i++) packed[j * used.length + i] = mix[j * k + used[i]];
    for (let first = start; first < end; first += panelWidth) {
      const width = Math.min(panelWidth, end - first);
      const panel = new Float64Array(used.length * width);
      for (const [i, row] of used.entries()) {
        const at = kept[row] * n + first;
        panel.set(vectors.subarray(at, at + width), i * width);
      }
      const product = new Float64Array(k * width);
      multiply(packed, panel, product, k, used.length, width);
      for (let j = 0; j < k; j++) vectors.set(product.subarray(j * width, (j + 1) * width), kept[j] * n + first);
    }
  }
}

/**
 * `C += A B`, row-major; four rows of C and two of B at a time.
 * @param {Float64Array} a rows×inner @param {Float64Array} b inner×columns @param {Float64Array} c rows×columns
 * @param {number} rows @param {number} inner @param {number} columns
 */
export function multiply(a, b, c, rows, inner, columns) {
  let j = 0;
  for (; j + 4 <= rows; j += 4) {
    const [c0, c1, c2, c3] = [j * columns, (j + 1) * columns, (j + 2) * columns, (j + 3) * columns];
    const [a0, a1, a2, a3] = [j * inner, (j + 1) * inner, (j + 2) * inner, (j + 3) * inner];
    let i = 0;
    for (; i + 2 <= inner; i += 2) {
      const [p, q] = [i * columns, (i + 1) * columns];
      const [x0, x1, x2, x3] = [a[a0 + i], a[a1 + i], a[a2 + i], a[a3 + i]];
      const [y0, y1, y2, y3] = [a[a0 + i + 1], a[a1 + i + 1], a[a2 + i + 1], a[a3 + i + 1]];
      for (let t = 0; t < columns; t++) {
        const [u, v] = [b[p + t], b[q + t]];
        c[c0 + t] += x0 * u + y0 * v;
        c[c1 + t] += x1 * u + y1 * v;
        c[c2 + t] += x2 * u + y2 * v;
        c[c3 + t] += x3 * u + y3 * v;
      }
    }
    for (; i < inner; i++) {
      for (let r = 0; r < 4; r++) addRow(a[(j + r) * inner + i], b, i * columns, c, (j + r) * columns, columns);
    }
  }
  for (; j < rows; j++) {
    for (let i = 0; i < inner; i++) addRow(a[j * inner + i], b, i * columns, c, j * columns, columns);
  }
}

/** @param {number} x @param {Float64Array} b @param {number} from @param {Float64Array} c @param {number} to @param {number} count */
function addRow(x, b, from, c, to, count) {
  for (let t = 0; t < count; t++) c[to + t] += x * b[from + t];
}
