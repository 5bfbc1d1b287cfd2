import { resolve } from 'node:path';
import type { FileKindName } from './file-kinds.ts';
import { type ReadOptions, withFile } from './open-file.ts';

/**
 * Keeps what was made of one file while it does not change: rows of a table are asked for one after another, and each
 * would read all of it again. Another file takes its place.
 */
export class FileMemo {
  #path = '';
  #version = '';
  readonly #kept = new Map<string, Promise<unknown>>();

  /**
   * @param what Which of the things that are made of the file; it names everything else that the result depends on.
   * @throws WhereforeError as `withFile`; what `make` throws, which is not kept
   */
  async get<T>(
    path: string,
    kind: FileKindName,
    what: string,
    { make, place }: { readonly make: () => Promise<T>; readonly place?: ReadOptions },
  ): Promise<T> {
    const version = await withFile(path, kind, place ?? {}, async (file) => file.version);
    const absolute = resolve(path);
    if (absolute !== this.#path || version !== this.#version) this.#kept.clear();
    [this.#path, this.#version] = [absolute, version];
    const found = this.#kept.get(what);
    if (found) return found as Promise<T>;
    const made = make();
    this.#kept.set(what, made);
    made.catch(() => this.#kept.delete(what));
    return made;
  }
}
