import { ranked } from '../image/ranked.ts';
import { neighbours } from '../image/ranking.ts';
import { neighbourShares, type SharesByItem, shareFloors } from './share-agreement.ts';
import type { ItemSignals } from './traced-items.ts';
import type { VerifiedItem } from './verification.ts';

/** The values of a column, and which one each image of an index has; −1 for none. */
export interface ColumnValues {
  readonly column: string;
  readonly values: readonly string[];
  readonly of: Int32Array;
}

/** Nearest images by raw pixels, which know an artist less well: more of them are looked at. */
const rawNeighbours = 10;

/** Shares of the values of a column by every method that tracing has, beside the sizes of the values and chance. */
export function tracedShares(
  traced: ReadonlyMap<string, ItemSignals>,
  items: readonly VerifiedItem[],
  { values, of }: ColumnValues,
): Readonly<Record<string, SharesByItem>> {
  const all = items.map(({ id }) => traced.get(id) as ItemSignals);
  const by = (scores: (item: ItemSignals) => Float64Array, most: number): SharesByItem =>
    all.map((item) => neighbourShares(ranked(scores(item), most), of, values.length));
  const shares: Record<string, SharesByItem> = {
    ...shareFloors(of, values.length, items.length),
    [`raw pixels, ${rawNeighbours} nearest`]: by(({ signals }) => signals.pixels, rawNeighbours),
    [`whole image, ${neighbours} nearest`]: by(({ whole }) => whole, neighbours),
    [`hand, ${neighbours} nearest`]: by(({ hand }) => hand, neighbours),
  };
  for (const e of all[0].signals.encoders.keys())
    shares[`encoder ${e + 1}, ${neighbours} nearest`] = by(({ signals }) => signals.encoders[e], neighbours);
  return shares;
}
