/** Numbers from 0 to below 1, the same for the same seed (mulberry32). @param {number} from */
export function random(from) {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Chances of one case: `draw` gives a number from 0 to below 1, `pick` an entry of a list. @param {number} seed */
export function chances(seed) {
  const draw = random(seed);
  return { draw, pick: /** @template T @param {readonly T[]} list */ (list) => list[Math.floor(draw() * list.length)] };
}
