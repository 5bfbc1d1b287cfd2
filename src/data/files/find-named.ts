import { join, resolve } from 'node:path';
import type { FolderEntry } from './file-access.ts';
import { folderEntries } from './folders.ts';

/** Levels of folders below the first, and entries, that a search looks at: a home folder must not be read through. */
const deepest = 4;
const mostEntries = 20_000;

/**
 * What has a name below some folders and is no folder, the nearest first. Links to folders, hidden folders and
 * `node_modules` are passed over; below each folder at most four levels and 20,000 entries are looked at.
 */
export async function* filesNamed(folders: readonly string[], name: string): AsyncGenerator<string> {
  const seen = new Set<string>();
  for (const folder of folders) {
    let left = mostEntries;
    let level = [resolve(folder)];
    for (let depth = 0; depth <= deepest && left > 0; depth++) {
      const below: string[] = [];
      for (const place of level) {
        if (seen.has(place) || left <= 0) continue;
        seen.add(place);
        const entries = await entriesOf(place);
        left -= entries.length;
        if (entries.some((entry) => entry.name === name && !entry.isFolder)) yield join(place, name);
        for (const entry of entries.filter(isSearched)) below.push(join(place, entry.name));
      }
      level = below;
    }
  }
}

const isSearched = ({ name, isFolder }: FolderEntry): boolean =>
  isFolder && !name.startsWith('.') && name !== 'node_modules';

/** What lies in a folder; nothing where it may not be read. */
const entriesOf = (folder: string): Promise<FolderEntry[]> => folderEntries(folder).catch(() => []);
