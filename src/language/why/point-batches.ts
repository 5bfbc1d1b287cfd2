/** What work makes of points in batches of one size, the last filled up: one graph serves them all. */
export async function inBatches<T>(
  points: readonly Float32Array[],
  most: number,
  work: (some: readonly Float32Array[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  const size = Math.ceil(points.length / Math.ceil(points.length / most));
  for (let at = 0; at < points.length; at += size) {
    const part = points.slice(at, at + size);
    const filled = [...part, ...new Array<Float32Array>(size - part.length).fill(part[0])];
    for (const one of (await work(filled)).slice(0, part.length)) found.push(one);
  }
  return found;
}
