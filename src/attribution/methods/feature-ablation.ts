import * as z from 'zod/mini';
import { coalitionMethod, gamePasses } from './coalition-method.ts';
import type { Method } from './method.ts';

/** How much the target drops when one group alone is replaced by the baseline. */
export const featureAblation: Method<Record<string, never>> = {
  title: 'Feature ablation',
  source: 'Kokhlikyan et al. 2020, "Captum", arXiv 2009.07896',
  formula: 'A_g = f(x) − f(x with group g replaced by x0)',
  ...coalitionMethod,
  meaning: { kind: 'score', what: 'the effect of hiding one group alone' },
  completeness: 'none',
  parameters: z.strictObject({}),
  cost: (_, work) => ({ forward: gamePasses(work.groups, work), backward: 0 }),
  async run(context) {
    const { gameOf } = await import('./game.ts');
    const game = await gameOf(context);
    const { players } = game;
    const coalitions = new Uint8Array(players * players).fill(1);
    for (let player = 0; player < players; player++) coalitions[player * players + player] = 0;
    const without = players ? await game.value(coalitions) : new Float64Array(0);
    return {
      ...game.spread(without.map((value) => game.full - value)),
      chosen: { groups: context.partition.description, players },
    };
  },
};
