import { tokensOfEach } from './guided.ts';
import type { UnitGame } from './unit-game.ts';

/** Units that have a difference together and not alone: they say the same. */
export interface Joint {
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

/** What leaving out groups of units says, refined where it matters. */
export interface RefinedLeaveOut {
  /** Of each unit: its own difference where that was measured, else its part of that of its group. */
  readonly values: Float64Array;
  /** Groups whose units say the same, each from `from` to before `to`; their difference is shared out evenly. */
  readonly joint: readonly Joint[];
  /** Units whose own difference was measured. */
  readonly measured: number;
  /** Tokens that were read, as a share of those that leaving out each unit would read. */
  readonly share: number;
}

/** Units `from` … `to` − 1, and `f(x) − f(x without them)`. */
interface Group {
  from: number;
  to: number;
  value: number;
  /** false: its later half has none of the difference, so it is taken to have all of it. */
  isMeasured: boolean;
  /** The group that was measured last, from which that was concluded. */
  origin?: { readonly from: number; readonly to: number };
}

export interface RefinedOptions {
  /** Tokens that may be read, as a share of those that leaving out each unit would read. Default .15. */
  readonly most?: number;
  /** Tokens that may be read at most, however many units there are. Default: no limit but `most`. */
  readonly tokens?: number;
  /**
   * Of each unit, which larger part begins with it: 2 a paragraph, 1 a sentence, 0 neither. A group is cut where the
   * largest part in it begins that is nearest to its middle: documents first, then sentences, then words. Default: in the
   * middle.
   */
  readonly begins?: ArrayLike<number>;
  /** Groups with less than this share of the largest difference are not refined. Default .02. */
  readonly floor?: number;
}

/**
 * Leaves out halves of the units (cut between larger parts, where these are told), and halves again whichever group has the largest difference, until all that matters is
 * single or the budget is spent. The later half comes first: most of its prompt has been read already. Where it has a
 * difference the earlier one is measured as well (each may need the other); where it has none the earlier one is halved
 * without being measured, and measured when it is single. If it then has none either, units of the group say the same, and
 * the difference stays with the group.
 */
export async function refinedLeaveOut(
  game: UnitGame,
  { most = 0.15, floor = 0.02, tokens = Number.POSITIVE_INFINITY, begins }: RefinedOptions = {},
): Promise<RefinedLeaveOut> {
  const count = game.units.length;
  const began = game.cost.tokens;
  const exact = tokensOfEach(game);
  const spent = () => (game.cost.tokens - began) / exact;
  const allowed = Math.min(most, tokens / exact);
  const measure = async (from: number, to: number): Promise<number> => {
    const [value] = await game.values([new Uint8Array(count).fill(1).fill(0, from, to)]);
    return game.full - value;
  };
  const groups: Group[] = [];
  const joint: Joint[] = [];
  const cutOf = (from: number, to: number) => cutBetween(from, to, begins);
  const middle = count > 1 ? cutOf(0, count) : 1;
  for (const [from, to] of [
    [middle, count],
    [0, middle],
  ])
    if (from < to) groups.push({ from, to, value: await measure(from, to), isMeasured: true });
  for (let open = largest(groups, floor); open && spent() < allowed; open = largest(groups, floor)) {
    if (open.to - open.from > 1)
      groups.push(await halved(open, cutOf(open.from, open.to), measure, floor * largestOf(groups)));
    else await settle(open, measure, joint);
  }
  const values = new Float64Array(count);
  for (const { from, to, value } of [...groups, ...joint])
    for (let u = from; u < to; u++) values[u] += value / (to - from);
  const single = groups.filter(({ from, to, isMeasured }) => isMeasured && to - from === 1);
  return { values, joint, measured: single.length, share: spent() };
}

type Measure = (from: number, to: number) => Promise<number>;

/** Where a group of several units is cut: where its largest part begins that is nearest to the middle. */
function cutBetween(from: number, to: number, begins: ArrayLike<number> | undefined): number {
  const middle = Math.ceil((from + to) / 2);
  if (!begins) return middle;
  let best = from + 1;
  for (let at = from + 1; at < to; at++)
    if (begins[at] > begins[best] || (begins[at] === begins[best] && Math.abs(at - middle) < Math.abs(best - middle)))
      best = at;
  return best;
}

/** Measures the later half, which becomes a group of its own, and where it matters the earlier one, which the group becomes. */
async function halved(group: Group, at: number, measure: Measure, negligible: number): Promise<Group> {
  const { from, to, origin = { from, to } } = group;
  const later = { from: at, to, value: await measure(at, to), isMeasured: true };
  group.to = at;
  group.isMeasured = Math.abs(later.value) > negligible;
  if (group.isMeasured) {
    group.value = await measure(from, at);
    group.origin = undefined;
  } else group.origin = origin;
  return later;
}

/** Measures a unit that was taken to have all of a group's difference; what it does not have stays with the group. */
async function settle(unit: Group, measure: Measure, joint: Joint[]): Promise<void> {
  const value = await measure(unit.from, unit.to);
  const rest = unit.value - value;
  if (unit.origin && Math.abs(rest) > Math.abs(unit.value) / 2) joint.push({ ...unit.origin, value: rest });
  Object.assign(unit, { value, isMeasured: true });
}

const largestOf = (groups: readonly Group[]): number =>
  groups.reduce((most, { value }) => Math.max(most, Math.abs(value)), 0);

/** The group with the largest difference that is not known yet to the unit. */
function largest(groups: readonly Group[], floor: number): Group | undefined {
  let open: Group | undefined;
  for (const group of groups) {
    const isKnown = group.isMeasured && group.to - group.from === 1;
    if (!isKnown && (!open || Math.abs(group.value) > Math.abs(open.value))) open = group;
  }
  return open && Math.abs(open.value) > floor * largestOf(groups) ? open : undefined;
}
