// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.

/**
 * `A = R Q`: Q has orthonormal rows, R is lower triangular (the QR decomposition of Aᵀ). Classical Gram–Schmidt, each row
 * twice, which is as orthogonal as Householder reflections (Giraud, Langou, Rozložník 2005). A row that depends on those
 * before it becomes 0 in Q and has 0 on R's diagonal.
 *
 * @param {Float64Array} matrix rows×columns, row-major @param {number} rows @param {number} columns
 * @param {Float64Array} [before] rows that are orthonormal already: those of Q are made orthogonal to them too
 * @returns {{ q: Float64Array, r: Float64Array, rank: number }} Q, rows×columns; R, rows×rows; the number of rows of Q that are not 0
 */
export function orthonormalRows(matrix, rows, columns, before = new Float64Array()) {
  const q = Float64Array.from(matrix);
  const r = new Float64Array(rows * rows);
  const earlier = before.length / columns;
  let rank = 0;
  for (let i = 0; i < rows; i++) {
    const row = q.subarray(i * columns, (i + 1) * columns);
    const length = norm(row);
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < earlier; j++) takeOff(row, before.subarray(j * columns, (j + 1) * columns));
      for (let j = 0; j < i; j++) r[i * rows + j] += takeOff(row, q.subarray(j * columns, (j + 1) * columns));
    }
    const rest = norm(row);
    // What is left of a dependent row is rounding.
    if (rest <= 1e-13 * length || rest === 0) {
      row.fill(0);
      continue;
    }
    for (let c = 0; c < columns; c++) row[c] /= rest;
    r[i * rows + i] = rest;
    rank++;
  }
  return { q, r, rank };
}

/** Removes the part along a unit vector; returns its length. @param {Float64Array} row @param {Float64Array} unit */
function takeOff(row, unit) {
  let dot = 0;
  for (let c = 0; c < row.length; c++) dot += row[c] * unit[c];
  if (dot !== 0) for (let c = 0; c < row.length; c++) row[c] -= dot * unit[c];
  return dot;
}

/** @param {Float64Array} row */
function norm(row) {
  let sum = 0;
  for (const value of row) sum += value * value;
  return Math.sqrt(sum);
}
