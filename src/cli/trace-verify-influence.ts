import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checked } from '../checked.ts';
import { removePath, writeAtomically } from '../data/files/files.ts';
import { isTaken } from '../data/files/folders.ts';
import { readText } from '../data/files/read-file.ts';
import { temporaryPath } from '../data/files/temporary.ts';
import { WhereforeError } from '../errors.ts';
import type { ImageIndex } from '../provenance/image/image-index.ts';
import { type InfluenceScores, influenceScores } from '../provenance/verify/influence-scores.ts';
import type { VerifiedItem } from '../provenance/verify/verification.ts';
import { runOutside } from './outside-command.ts';
import type { ShardSession } from './sharded-run.ts';

/**
 * Asks a command of the user how much each image of an index counts for each item, by gradients of its generator.
 * @throws WhereforeError `invalid-data` where it does not say so
 */
export async function readInfluence(
  command: string,
  items: readonly VerifiedItem[],
  index: Pick<ImageIndex, 'items'>,
  { signal, say }: Pick<ShardSession, 'signal' | 'say'>,
): Promise<InfluenceScores> {
  const folder = temporaryPath(join(tmpdir(), 'wherefore-gradient'));
  const at = (name: string) => join(folder, `${name}.json`);
  const places = { items: at('items'), images: at('images'), scores: at('scores') };
  try {
    await writeAtomically(places.items, JSON.stringify(items));
    const images = index.items.map(({ id, place, columns }) => ({ id, place, columns }));
    await writeAtomically(places.images, JSON.stringify(images));
    say('asking for gradients of the generator');
    await runOutside(command, places, signal);
    if (!isTaken(places.scores)) throw noScores(command, 'it wrote no file {scores}');
    return parsed(await readText(places.scores, 'text'), command);
  } finally {
    await removePath(folder);
  }
}

function parsed(text: string, command: string): InfluenceScores {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noScores(command, 'what it wrote to {scores} is not JSON');
  }
  const found = checked(influenceScores, value);
  if (found.success) return found.data;
  throw noScores(command, `${found.error.issues[0].path.join(', ')}: ${found.error.issues[0].message}`);
}

function noScores(command: string, got: string): WhereforeError {
  return new WhereforeError('invalid-data', 'the gradient command did not say how much every image counts', {
    where: command,
    got,
    expected: 'JSON: { "ITEM": { "IMAGE": 0.12, … }, … } for every item of {items} and every image of {images}',
  });
}
