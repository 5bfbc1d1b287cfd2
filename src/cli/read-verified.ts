import { join } from 'node:path';
import { checked } from '../checked.ts';
import { hashOfFile } from '../data/files/file-hash.ts';
import { readBytes } from '../data/files/read-file.ts';
import { WhereforeError } from '../errors.ts';
import { type VerifiedRun, verificationDocument, verifiedRunOf } from '../provenance/verify/verified-run.ts';

/**
 * Reads a run of `trace verify` for an item, known by the SHA-256 of its file.
 * @throws WhereforeError `file-not-found`; `invalid-data` for another document, or one that the item took no part in
 */
export async function readVerified(folder: string, file: string): Promise<VerifiedRun> {
  const path = join(folder, 'verification.json');
  const bytes = await readBytes(path, 'document');
  const parsed = checked(verificationDocument, parsedJson(bytes));
  if (!parsed.success)
    throw new WhereforeError('invalid-data', 'the file is no verification', {
      where: path,
      got: parsed.error.issues[0].message,
      fix: 'name the folder of a run of `wherefore trace verify`',
    });
  const found = verifiedRunOf(parsed.data, hashOfFile([bytes]), file);
  if (found) return found;
  throw new WhereforeError('invalid-data', 'the verification was about other items', {
    where: path,
    got: `SHA-256 ${file}`,
    expected: `one of ${parsed.data.items.length} items: ${parsed.data.items
      .slice(0, 3)
      .map(({ id }) => id)
      .join(', ')}…`,
    fix: 'add the image to the items, and verify again',
  });
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
