/**
 * `slope · difference`, and exactly 0 where nothing differs: a feature that is what it is at the baseline has no part in
 * the difference, however steep the target is there (`0 · ∞` would not be a number).
 */
export function timesDifference(slope: number, difference: number): number {
  return difference === 0 ? 0 : slope * difference;
}
