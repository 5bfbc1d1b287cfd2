import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import { permutation, type Random, random } from '../../tensor/random.ts';
import { coalitionMethod, gamePasses } from './coalition-method.ts';
import type { Game } from './game.ts';
import type { Method } from './method.ts';
import { type Budget, errorOfMean, isSure, relativeTo, samplingTolerance, triesOf } from './sureness.ts';

const shared = {
  ...coalitionMethod,
  meaning: { kind: 'share', what: 'a share of the difference' },
  completeness: 'exact',
} as const;

const exactParameters = z.strictObject({
  maxGroups: z
    ._default(z.int().check(z.minimum(1), z.maximum(16)), 12)
    .check(z.describe('More groups are refused: the cost doubles with each')),
});

/** The Shapley value of every group, from every coalition. */
export const exactShapley: Method<z.infer<typeof exactParameters>> = {
  ...shared,
  title: 'Shapley values (exact)',
  source: 'Shapley 1953, "A value for n-person games"; v(S) after Lundberg, Lee 2017, arXiv 1705.07874',
  formula:
    'A_g = Σ_{S ∌ g} |S|! (M − |S| − 1)! / M! · (v(S ∪ g) − v(S)),  v(S) = f(x with all outside S replaced by x0)',
  parameters: exactParameters as z.core.$ZodType<z.infer<typeof exactParameters>>,
  cost: ({ maxGroups }, work) => ({
    forward: gamePasses(2 ** Math.min(work.groups, maxGroups), work),
    backward: 0,
  }),
  check({ maxGroups }, { players }) {
    if (players !== undefined) checkPlayers(players, maxGroups);
  },
  async run(context, { maxGroups }) {
    const [{ gameOf }, { allCoalitions, binomial }] = await Promise.all([
      import('./game.ts'),
      import('./coalitions.ts'),
    ]);
    const game = await gameOf(context);
    const { players } = game;
    checkPlayers(players, maxGroups);
    const values = players ? await game.value(allCoalitions(players)) : new Float64Array(1);
    // |S|! (M − |S| − 1)! / M! = 1 / (M · C(M − 1, |S|))
    const weights = Array.from({ length: players }, (_, size) => 1 / (players * binomial(players - 1, size)));
    const shares = new Float64Array(players);
    for (let k = 0; k < 2 ** players; k++) {
      let size = 0;
      for (let p = 0; p < players; p++) size += (k >> p) & 1;
      for (let p = 0; p < players; p++)
        if (!((k >> p) & 1)) shares[p] += weights[size] * (values[k | (1 << p)] - values[k]);
    }
    return { ...game.spread(shares), chosen: { groups: context.partition.description, players } };
  },
};

function checkPlayers(players: number, most: number): void {
  if (players <= most) return;
  throw new WhereforeError('out-of-range', 'too many groups for exact Shapley values', {
    got: `${players} groups: ${2 ** players} coalitions`,
    expected: `at most ${most}`,
    fix: 'name fewer groups, raise maxGroups (up to 16), or use --method kernel-shap',
  });
}

const samplingParameters = z.strictObject({
  pairs: z
    .optional(z.int().check(z.minimum(1), z.maximum(100_000)))
    .check(
      z.describe(
        'Pairs of a random order and its reverse, no more and no fewer; each order costs one pass a group. Default 10, and then as many as the tolerance asks for',
      ),
    ),
  tolerance: samplingTolerance,
  maxPairs: z
    ._default(z.int().check(z.minimum(1), z.maximum(100_000)), 40)
    .check(z.describe('Pairs at most, where pairs are not stated')),
  seed: z._default(z.number(), 0),
});

/** Shapley values from random orders in which groups join; each order is also walked backwards (antithetic). */
export const shapleySampling: Method<z.infer<typeof samplingParameters>> = {
  ...shared,
  title: 'Shapley values (sampled orders)',
  source:
    'Castro, Gómez, Tejada 2009, "Polynomial calculation of the Shapley value based on sampling"; antithetic after Mitchell et al. 2022, JMLR 23',
  formula: 'A_g = mean over orders of v(those before g, and g) − v(those before g)',
  parameters: samplingParameters as z.core.$ZodType<z.infer<typeof samplingParameters>>,
  cost: ({ pairs, ...sure }, work) => {
    const tries = triesOf(budgetOf(sure), pairs);
    return { forward: gamePasses(2 * tries[tries.length - 1] * Math.max(0, work.groups - 1), work), backward: 0 };
  },
  async run(context, { pairs, seed, ...sure }) {
    const { gameOf } = await import('./game.ts');
    const game = await gameOf(context);
    const { players } = game;
    const budget = budgetOf(sure);
    // One player or none: nothing is drawn.
    const tries = triesOf(budget, players > 1 ? pairs : (pairs ?? budget.first));
    const source = random(seed);
    const [sums, squares] = [new Float64Array(players), new Float64Array(players)];
    for (let k = 0, taken = 0; ; k++) {
      await walk(game, tries[k] - taken, source, sums, squares);
      taken = tries[k];
      const shares = sums.map((sum) => sum / taken);
      const errors =
        taken > 1 && players > 0 ? shares.map((_, p) => errorOfMean(sums[p], squares[p], taken)) : undefined;
      const relative = relativeTo(shares, errors);
      if (k + 1 === tries.length || isSure(relative, budget.tolerance)) {
        const chosen: Record<string, number | string> = { groups: context.partition.description, players };
        if (pairs === undefined) chosen.pairs = taken;
        // The largest over the groups.
        if (errors) chosen.largestStandardError = errors.reduce((a, b) => Math.max(a, b), 0);
        return {
          ...game.spread(shares),
          standardErrors: errors && game.spread(errors).values,
          relativeStandardError: relative,
          chosen,
        };
      }
    }
  },
};

function budgetOf({ tolerance, maxPairs }: Pick<z.infer<typeof samplingParameters>, 'tolerance' | 'maxPairs'>): Budget {
  return { first: 10, most: Math.max(10, maxPairs), tolerance };
}

/** Walks so many pairs of a random order and its reverse; adds what each player brings, on average over a pair. */
async function walk(
  game: Game,
  pairs: number,
  source: Random,
  sums: Float64Array,
  squares: Float64Array,
): Promise<void> {
  const { players } = game;
  const orders = Array.from({ length: pairs }, () => permutation(players, source)).flatMap((order) => [
    order,
    order.slice().reverse(),
  ]);
  // The empty and the full coalition are known: an order of M groups needs the M − 1 coalitions between.
  const inner = Math.max(0, players - 1);
  const coalitions = new Uint8Array(orders.length * inner * players);
  orders.forEach((order, o) => {
    for (let step = 0; step < inner; step++) {
      const row = (o * inner + step) * players;
      for (let i = 0; i <= step; i++) coalitions[row + order[i]] = 1;
    }
  });
  const values = coalitions.length ? await game.value(coalitions) : new Float64Array(0);
  for (let pair = 0; pair < pairs; pair++) {
    const mean = new Float64Array(players);
    for (const o of [2 * pair, 2 * pair + 1]) {
      let before = game.empty;
      orders[o].forEach((player, step) => {
        const after = step < inner ? values[o * inner + step] : game.full;
        mean[player] += (after - before) / 2;
        before = after;
      });
    }
    for (let p = 0; p < players; p++) {
      sums[p] += mean[p];
      squares[p] += mean[p] ** 2;
    }
  }
}
