import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { removePath, writeAtomically } from '../data/files/files.ts';
import { isTaken } from '../data/files/folders.ts';
import { readBytes, readText } from '../data/files/read-file.ts';
import { temporaryPath } from '../data/files/temporary.ts';
import { readImage, writePng } from '../data/formats/image.ts';
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

const parameters = z.object({ train: z.string(), cost: z.string(), sample: z.optional(z.string()) });

/** File of a shard: the costs after its training. */
export const costsFile = 'costs.json';

/** File of a shard: images that its model drew, by item, as base64; none where it was not asked to. */
export const drawnFile = 'drawn.json';

/** Images of a training, by item. */
export const drawnImages = z.record(z.string(), z.string());

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
        const drawn: z.infer<typeof drawnImages>[] = [];
        for (const [i, training] of trainings.slice(from, to).entries()) {
          // Of the first seed alone: they illustrate, and measure nothing.
          const shown = training.seed === trainings[0].seed && training.without === undefined ? shownItems(items) : [];
          const told = await trainAndAsk(commands, training, { asked: [...items, ...candidates], shown }, signal);
          all.push(told.costs);
          drawn.push(told.drawn);
          report(i + 1);
        }
        const seconds = (performance.now() - began) / 1000;
        const files = {
          [costsFile]: new TextEncoder().encode(JSON.stringify(all)),
          ...(commands.sample !== undefined && { [drawnFile]: new TextEncoder().encode(JSON.stringify(drawn)) }),
        };
        return { files, cost: { forward: 0, backward: 0, seconds } };
      },
      close: async () => undefined,
    };
  },
};

/** Whose cost is measured. */
type AskedItem = VerifiedItem | Candidate;

/** Prompts of each stratum whose first item is drawn again. */
const mostShown = 3;

/** Items that are drawn again: the first one of some prompts of each stratum. */
function shownItems(items: readonly VerifiedItem[]): VerifiedItem[] {
  const groups = new Map<string, Set<string>>();
  return items.filter(({ stratum, group }) => {
    const known = groups.get(stratum) ?? new Set();
    if (known.size === mostShown || known.has(group)) return false;
    groups.set(stratum, known.add(group));
    return true;
  });
}

/** Whose cost is measured, and which are drawn again. */
interface Asked {
  readonly asked: readonly AskedItem[];
  readonly shown: readonly VerifiedItem[];
}

/** Trains, measures and draws in a folder of its own, which goes when it is done. */
async function trainAndAsk(
  { train, cost, sample }: z.infer<typeof parameters>,
  { seed, removed, replaced }: PlannedVerification,
  { asked: items, shown }: Asked,
  signal: AbortSignal,
): Promise<{ readonly costs: TrainingCosts; readonly drawn: z.infer<typeof drawnImages> }> {
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
    const costs = checkedCosts(await readText(asked.costs, 'text'), items, cost);
    if (sample === undefined || shown.length === 0) return { costs, drawn: {} };
    await writeAtomically(at('shown.json'), JSON.stringify(shown));
    const drawing = { model: places.model, items: at('shown.json'), images: at('images'), seed };
    await runOutside(sample, drawing, signal);
    return { costs, drawn: await drawnIn(at('images'), shown, sample) };
  } finally {
    await removePath(folder);
  }
}

/** The image of each item, `0.png` that of the first. @throws WhereforeError `invalid-data` where one is missing or none */
async function drawnIn(folder: string, items: readonly VerifiedItem[], command: string) {
  const drawn: z.infer<typeof drawnImages> = {};
  for (const [i, { id }] of items.entries()) {
    const path = join(folder, `${i}.png`);
    if (!isTaken(path))
      throw new WhereforeError('invalid-data', 'the sample command did not draw every item', {
        where: command,
        got: `no ${i}.png in {images}`,
        expected: 'an image 0.png, 1.png, … for each item of {items}, in their order',
      });
    const { pixels } = await readImage(await readBytes(path, 'image'), { name: path });
    drawn[id] = Buffer.from(await writePng(pixels)).toString('base64');
  }
  return drawn;
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
