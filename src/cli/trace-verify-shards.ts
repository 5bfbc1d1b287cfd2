import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { removePath, writeAtomically } from '../data/files/files.ts';
import { isTaken } from '../data/files/folders.ts';
import { readText } from '../data/files/read-file.ts';
import { temporaryPath } from '../data/files/temporary.ts';
import { WhereforeError } from '../errors.ts';
import {
  type Candidate,
  type PlannedVerification,
  type TrainingCosts,
  trainingCosts,
  type VerifiedItem,
  verifyPlan,
} from '../provenance/verify/verification.ts';
import type { ShardProgram } from '../run/shard.ts';
import { runOutside } from './outside-command.ts';

const parameters = z.object({ train: z.string(), cost: z.string() });

/** File of a shard: the costs after its training. */
export const costsFile = 'costs.json';

/** `trace verify`: one training without some items, and the costs of the verified items under its model. */
export const traceVerifyProgram: ShardProgram = {
  version: 1,
  async open({ work, signal, blob }) {
    const commands = parameters.parse(work.parameters);
    const { items, candidates, trainings } = verifyPlan.parse(
      JSON.parse(new TextDecoder().decode(await blob(work.data as string))),
    );
    return {
      async compute({ from, to }, report) {
        const began = performance.now();
        const all: TrainingCosts[] = [];
        for (const [i, training] of trainings.slice(from, to).entries()) {
          all.push(await trainAndAsk(commands, training, [...items, ...candidates], signal));
          report(i + 1);
        }
        const seconds = (performance.now() - began) / 1000;
        const files = { [costsFile]: new TextEncoder().encode(JSON.stringify(all)) };
        return { files, cost: { forward: 0, backward: 0, seconds } };
      },
      close: async () => undefined,
    };
  },
};

/** Whose cost is measured. */
type AskedItem = VerifiedItem | Candidate;

/** Trains and measures in a folder of its own, which goes when it is done. */
async function trainAndAsk(
  { train, cost }: z.infer<typeof parameters>,
  { seed, removed, replaced }: PlannedVerification,
  items: readonly AskedItem[],
  signal: AbortSignal,
): Promise<TrainingCosts> {
  const folder = temporaryPath(join(tmpdir(), 'wherefore-verify'));
  const at = (name: string) => join(folder, name);
  const places = { model: at('model'), removed: at('removed.json'), replaced: at('replaced.json') };
  try {
    await writeAtomically(places.removed, JSON.stringify(removed));
    await writeAtomically(places.replaced, JSON.stringify(replaced));
    await writeAtomically(at('items.json'), JSON.stringify(items));
    await runOutside(train, { ...places, seed }, signal);
    const asked = { model: places.model, items: at('items.json'), costs: at(costsFile), seed };
    await runOutside(cost, asked, signal);
    if (!isTaken(asked.costs)) throw noCosts(cost, 'it wrote no file {costs}');
    return checkedCosts(await readText(asked.costs, 'text'), items, cost);
  } finally {
    await removePath(folder);
  }
}

/** @throws WhereforeError `invalid-data` where an item has no cost, or one that is no number */
function checkedCosts(text: string, items: readonly AskedItem[], command: string): TrainingCosts {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noCosts(command, 'what it wrote to {costs} is not JSON');
  }
  // A number alone is the cost of the whole item.
  const named = Object.entries((value ?? {}) as Record<string, unknown>).map(([id, cost]) => [
    id,
    typeof cost === 'number' ? { whole: cost } : cost,
  ]);
  const parsed = checked(trainingCosts, Object.fromEntries(named));
  if (!parsed.success) throw noCosts(command, parsed.error.issues[0].message);
  const missing = items.find(({ id }) => parsed.data[id]?.whole === undefined);
  if (missing) throw noCosts(command, `nothing for "${missing.id}"`);
  return Object.fromEntries(items.map(({ id }) => [id, parsed.data[id]]));
}

function noCosts(command: string, got: string): WhereforeError {
  return new WhereforeError('invalid-data', 'the cost command did not say what the items cost', {
    where: command,
    got,
    expected: 'JSON: { "ID": 12.3, … } or { "ID": { "whole": 12.3, "region": 4.5 }, … } for every item of {items}',
  });
}
