import { Sha256 } from './sha256.ts';
import { bytesOf, formatShape, type Tensor } from './tensor.ts';

/** Two hexadecimal digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/**
 * SHA-256 of some pieces one after the other, in hexadecimal: what contents are told apart and kept by. Where the end
 * of one piece matters, put a mark or a length between them.
 */
export function contentHash(pieces: Iterable<Uint8Array | string>): string {
  const hash = new Sha256();
  for (const piece of pieces) hash.update(piece);
  return hexOf(hash.digest());
}

/** A tensor for {@link contentHash}: its type and shape, then its bytes; texts each behind their length. */
export function* hashedTensor(t: Tensor): Generator<Uint8Array | string> {
  yield `${t.type} ${formatShape(t.shape)}:`;
  if (t.type !== 'string') yield bytesOf(t);
  else for (const text of t.data as string[]) yield `${text.length}:${text}`;
}
