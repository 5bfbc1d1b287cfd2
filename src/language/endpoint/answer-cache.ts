import { join } from 'node:path';
import { writeAtomically } from '../../data/files/files.ts';
import { isTaken } from '../../data/files/folders.ts';
import { readText } from '../../data/files/read-file.ts';
import { contentHash } from '../../tensor/content-hash.ts';

/** Keeps what an endpoint answered, so that no question is paid twice and work that was stopped goes on. */
export interface AnswerCache {
  get(key: string): Promise<unknown>;
  set(key: string, answer: unknown): Promise<void>;
}

/** The name of a question: everything that the answer depends on, and no key. */
export const questionKey = (url: string, path: string, body: unknown, sample: number): string =>
  contentHash([JSON.stringify([url, path, body, sample])]);

/** Answers in memory, for as long as the program runs. */
export function memoryCache(): AnswerCache {
  const answers = new Map<string, unknown>();
  return {
    get: async (key) => answers.get(key),
    set: async (key, answer) => {
      answers.set(key, answer);
    },
  };
}

/**
 * Answers in a folder, one file each; a file that is no JSON is asked for again.
 * @throws WhereforeError `file-unwritable`
 */
export function folderCache(folder: string): AnswerCache {
  const place = (key: string) => join(folder, key.slice(0, 2), `${key}.json`);
  return {
    async get(key) {
      if (!isTaken(place(key))) return undefined;
      try {
        return JSON.parse(await readText(place(key), 'text'));
      } catch (error) {
        if (error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
    set: (key, answer) => writeAtomically(place(key), JSON.stringify(answer)),
  };
}
