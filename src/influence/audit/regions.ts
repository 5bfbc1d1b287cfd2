/** A part of the data: a class, a value of a column, a cluster of representations. */
export interface Slice {
  /** `class`, the name of a column, or `cluster`. */
  readonly column: string;
  readonly value: string;
}

/** A slice that the training rows show less often than the held-out rows do. */
export interface UndersampledRegion extends Slice {
  readonly rows: number;
  readonly heldOut: number;
  /** Share of the training rows over share of the held-out rows. */
  readonly ratio: number;
  /** How many standard errors the log of the ratio lies below 0. */
  readonly deviation: number;
  /** Mean loss of its held-out rows, and of all, in nats; undefined where held-out rows have no predictions. */
  readonly loss?: number;
  readonly meanLoss?: number;
}

/** Standard errors from which a region is told: two-sided 1 in 2,000 for one slice, so that dozens can be tried. */
const least = 3.5;

/**
 * Slices that are rarer in training than where the model is tried, the most certain first:
 * `z = log((h + ½)/(H + 1)) − log((t + ½)/(T + 1))` over `√(1/(h + ½) + 1/(t + ½))`.
 * @param rows which slice each training row belongs to, by column @param heldOut the same of the held-out rows
 */
export function undersampledRegions(
  rows: ReadonlyMap<string, readonly string[]>,
  heldOut: ReadonlyMap<string, readonly string[]>,
  losses: Float64Array | undefined,
): UndersampledRegion[] {
  const found: UndersampledRegion[] = [];
  for (const [column, values] of rows) {
    const others = heldOut.get(column);
    if (!others) continue;
    const [here, there] = [countsOf(values), countsOf(others)];
    for (const [value, h] of there) {
      const t = here.get(value) ?? 0;
      const log = Math.log((t + 0.5) / (values.length + 1)) - Math.log((h + 0.5) / (others.length + 1));
      const deviation = -log / Math.sqrt(1 / (h + 0.5) + 1 / (t + 0.5));
      if (deviation < least) continue;
      found.push({
        column,
        value,
        rows: t,
        heldOut: h,
        ratio: t / values.length / (h / others.length),
        deviation,
        ...(losses && { loss: meanWhere(losses, others, value), meanLoss: meanWhere(losses, others) }),
      });
    }
  }
  return found.sort((a, b) => b.deviation - a.deviation);
}

function countsOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function meanWhere(losses: Float64Array, of: readonly string[], value?: string): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < losses.length; i++) {
    if (value !== undefined && of[i] !== value) continue;
    sum += losses[i];
    count++;
  }
  return sum / count;
}
