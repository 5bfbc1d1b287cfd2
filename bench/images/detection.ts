/** An image that was said to be the source of another one, how surely, and whether it is. */
export interface Detection {
  readonly score: number;
  readonly right: boolean;
}

const surestFirst = (detections: readonly Detection[]) => [...detections].sort((a, b) => b.score - a.score);

/** µAP: the precision at each right detection of all queries in one list, over the number of sources there are. */
export function averagePrecision(detections: readonly Detection[], sources: number): number {
  let [right, sum] = [0, 0];
  for (const [i, one] of surestFirst(detections).entries()) {
    if (!one.right) continue;
    right++;
    sum += right / (i + 1);
  }
  return sum / sources;
}

/** The largest share of sources found by a threshold at which a share of all detections is right. */
export function recallAtPrecision(detections: readonly Detection[], sources: number, precision: number): number {
  let [right, best] = [0, 0];
  for (const [i, one] of surestFirst(detections).entries()) {
    if (one.right) right++;
    if (right / (i + 1) >= precision) best = right;
  }
  return best / sources;
}

/** A share with its 95 % interval, as text. Source: Wilson 1927. */
export function shareText(hits: number, count: number): string {
  const z = 1.96;
  const share = hits / count;
  const centre = (share + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const reach = (z / (1 + z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  return `${share.toFixed(3)} (${Math.max(0, centre - reach).toFixed(3)}, ${Math.min(1, centre + reach).toFixed(3)})`;
}
