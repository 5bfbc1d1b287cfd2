import type { UnitGame } from '../../src/language/why/unit-game.ts';

const unitTokens = 10;

/** A game of so many units of ten tokens, whose cost counts what is read behind the first unit that differs. */
export function gameOf(count: number, worth: (set: Uint8Array) => number): UnitGame & { readonly calls: () => number } {
  const cost = { calls: 0, tokens: 0 };
  let before: Uint8Array = new Uint8Array(count).fill(1);
  return {
    units: Array.from({ length: count }, (_, u) => ({
      text: String(u),
      span: undefined,
      special: false,
      tokens: Array.from({ length: unitTokens }, (_, i) => u * unitTokens + i),
    })),
    full: worth(new Uint8Array(count).fill(1)),
    empty: worth(new Uint8Array(count)),
    cost,
    calls: () => cost.calls,
    async values(sets) {
      return Float64Array.from(
        sets.map((set) => {
          const differs = set.findIndex((one, u) => one !== before[u]);
          const shared = differs < 0 ? count : differs;
          cost.calls++;
          cost.tokens += set.slice(shared).reduce((sum, one) => sum + one * unitTokens, 0);
          before = set;
          return worth(set);
        }),
      );
    },
  };
}
