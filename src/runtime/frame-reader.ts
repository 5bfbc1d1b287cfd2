import { headerLength, prefixLength, readHeader, unpack } from './frames.js';

/** Puts messages of {@link pack} together from the pieces in which a stream delivers them. */
export function frameReader<T>(onMessage: (message: T) => void): (piece: Uint8Array) => void {
  type Header = ReturnType<typeof readHeader>;
  let part = new Uint8Array(prefixLength);
  let at = 0;
  let header: Header | undefined;
  let inHeader = false;
  let bodies: ArrayBuffer[] = [];

  const expect = (length: number) => {
    part = new Uint8Array(length);
    at = 0;
  };
  /** The part is whole: what comes next? Parts without bytes are whole at once. */
  const advance = () => {
    if (header) bodies.push(part.buffer);
    else if (inHeader) header = readHeader(part);
    else {
      inHeader = true;
      expect(headerLength(part));
      return;
    }
    if (bodies.length < header.arrays.length) {
      expect(header.arrays[bodies.length].bytes);
      return;
    }
    const message = unpack(header, bodies) as T;
    header = undefined;
    inHeader = false;
    bodies = [];
    expect(prefixLength);
    onMessage(message);
  };
  return (piece) => {
    for (let from = 0; from < piece.length; ) {
      const count = Math.min(piece.length - from, part.length - at);
      part.set(piece.subarray(from, from + count), at);
      at += count;
      from += count;
      while (at === part.length) advance();
    }
  };
}
