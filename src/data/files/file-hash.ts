import { createHash } from 'node:crypto';

/** SHA-256 of bytes that come in pieces, by Node's own code: ten times as quick as `Sha256`, for files. */
export class FileHash {
  readonly #hash = createHash('sha256');

  update(piece: Uint8Array | string): this {
    this.#hash.update(piece);
    return this;
  }

  /** In hexadecimal; nothing may be added afterwards. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** As `contentHash`, for the bytes of files. */
export function hashOfFile(pieces: Iterable<Uint8Array | string>): string {
  const hash = new FileHash();
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}
