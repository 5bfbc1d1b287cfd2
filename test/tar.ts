import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const block = 512;

/** The files of a `.tar.gz`, by path. Knows what the test archives contain: regular files and GNU long names. */
export function readTarGz(path: string): Map<string, Uint8Array> {
  const archive = new Uint8Array(gunzipSync(readFileSync(path)));
  const files = new Map<string, Uint8Array>();
  let longName: string | undefined;
  for (let offset = 0; offset + block <= archive.length && archive[offset] !== 0; ) {
    const text = (start: number, length: number) => {
      const field = archive.subarray(offset + start, offset + start + length);
      const end = field.indexOf(0);
      return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
    };
    const size = Number.parseInt(text(124, 12), 8);
    const kind = text(156, 1);
    const data = archive.subarray(offset + block, offset + block + size);
    if (kind === 'L') longName = new TextDecoder().decode(data.subarray(0, data.indexOf(0)));
    else if (kind === '0' || kind === '') {
      const prefix = text(345, 155);
      files.set(longName ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100)), data);
      longName = undefined;
    } else if (kind === '5') longName = undefined;
    else throw new Error(`${path}: entry of kind "${kind}" at ${offset}`);
    offset += block + Math.ceil(size / block) * block;
  }
  return files;
}
