import type { UnitGame } from './unit-game.ts';

/** What leaving out the units that a proposal names first says. */
export interface GuidedLeaveOut {
  /** Of each unit its own difference where that was measured, else the proposal's value times `slope`. */
  readonly values: Float64Array;
  /** Units whose own difference was measured. */
  readonly measured: number;
  /** Least squares through 0: measured differences over the proposal's values. */
  readonly slope: number;
  /** Tokens that were read, those of the proposal among them, as a share of those that leaving out each unit would read. */
  readonly share: number;
}

export interface GuidedOptions {
  /** Tokens that may be read, as a share of those that leaving out each unit would read. Default .15. */
  readonly most?: number;
  /** Tokens that may be read at most, however many units there are. Default: no limit but `most`. */
  readonly tokens?: number;
  /** Tokens that the proposal has read, which count among `most`. Default 0. */
  readonly spent?: number;
}

/**
 * `A_k = f(x) − f(x without unit k)` of the units that a cheap proposal (a gradient) gives most, as many as the budget
 * allows for and one at least. The others keep what the proposal gives them, on the scale of what was measured.
 */
export async function guidedLeaveOut(
  game: UnitGame,
  proposal: ArrayLike<number>,
  { most = 0.15, tokens = Number.POSITIVE_INFINITY, spent = 0 }: GuidedOptions = {},
): Promise<GuidedLeaveOut> {
  const { units } = game;
  const exact = tokensOfEach(game);
  const allowed = Math.min(most * exact - spent, tokens);
  const order = units.map((_, u) => u).sort((a, b) => Math.abs(proposal[b]) - Math.abs(proposal[a]) || a - b);
  const chosen: number[] = [];
  let planned = 0;
  for (const u of order) {
    planned += endOf(game) - units[u].tokens[0];
    if (planned > allowed && chosen.length > 0) break;
    chosen.push(u);
  }
  // From the last on: of each prompt, what stands before its unit has been read.
  chosen.sort((a, b) => b - a);
  const began = game.cost.tokens;
  const values = await game.values(chosen.map((u) => new Uint8Array(units.length).fill(1).fill(0, u, u + 1)));
  let [products, squares] = [0, 0];
  for (const [i, u] of chosen.entries()) {
    products += (game.full - values[i]) * proposal[u];
    squares += proposal[u] ** 2;
  }
  const slope = squares > 0 ? products / squares : 0;
  const found = new Float64Array(units.length);
  for (let u = 0; u < found.length; u++) found[u] = slope * proposal[u];
  for (const [i, u] of chosen.entries()) found[u] = game.full - values[i];
  return {
    values: found,
    measured: chosen.length,
    slope,
    share: (spent + game.cost.tokens - began) / exact,
  };
}

/** The token behind the last unit. */
function endOf({ units }: UnitGame): number {
  const { tokens } = units[units.length - 1];
  return tokens[tokens.length - 1] + 1;
}

/** Tokens that leaving out each unit reads: those behind it, since what stands before it is known. */
export function tokensOfEach(game: UnitGame): number {
  const end = endOf(game);
  return game.units.reduce((sum, { tokens }) => sum + end - tokens[0], 0);
}
