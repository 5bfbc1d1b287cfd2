import type { FileKindName } from './file-kinds.ts';

/** How far a path is trusted. */
export interface AccessOptions {
  /** The file that names this one, below whose folder it must lie. Absent for a path that the caller names. */
  readonly namedBy?: string;
  /** Further folders below which a file that another one names may lie. */
  readonly alsoBelow?: readonly string[];
  /** Bytes that the file may have, where the caller knows more than its kind says. */
  readonly limit?: number;
}

/** An entry of a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/**
 * Where files lie: the disk, memory, what somebody dropped on a page. Paths are parts joined by `/`. `nodeFiles` is the
 * disk, {@link memoryFiles} holds bytes and blobs.
 */
export interface Files {
  /** All bytes of a file. @throws WhereforeError `file-not-found`, `file-unreadable` beyond the limit of its kind */
  read(path: string, kind: FileKindName, options?: AccessOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** The bytes from `start` up to `end`, fewer where the file ends. @throws WhereforeError as `read` */
  range(
    path: string,
    kind: FileKindName,
    part: readonly [start: number, end: number],
    options?: AccessOptions,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * What lies in a folder, in alphabetical order; with `deep` all below it, as paths from it.
   * @throws WhereforeError `file-not-found`
   */
  list(folder: string, options?: { readonly deep?: boolean }): Promise<FolderEntry[]>;
  /** Whoever reads finds the old file or the whole new one. Missing folders are made. @throws WhereforeError `file-unwritable` */
  write(path: string, content: Uint8Array | string): Promise<void>;
  /** Removes a file, or a folder with all that lies in it, if it is there. */
  remove(path: string): Promise<void>;
  /** SHA-256 of a file, in hexadecimal, without holding it. @throws WhereforeError as `read` */
  hash(path: string, kind: FileKindName, options?: AccessOptions): Promise<string>;
}
