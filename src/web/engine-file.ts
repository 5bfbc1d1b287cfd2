import { formatBytes } from '../data/files/file-kinds.ts';

/** Bytes that are read to tell; the engine has millions. */
const looked = 65_536;

/** What is wrong with the engine's file, by its first bytes; undefined where nothing is. */
export async function faultOfEngine(address: string): Promise<string | undefined> {
  const response = await fetch(address).catch(() => undefined);
  if (!response) return 'no answer of the server';
  if (!response.ok) return `status ${response.status}`;
  const head = await firstBytes(response);
  if (new TextDecoder().decode(head.subarray(0, 4)) !== '\0asm') return 'a file that is no WebAssembly';
  return head.length < looked ? `WebAssembly of ${formatBytes(head.length)}, which is no engine` : undefined;
}

/** The first bytes of an answer, of which no more is read. */
async function firstBytes({ body }: Response): Promise<Uint8Array> {
  const head = new Uint8Array(looked);
  const reader = body?.getReader();
  let length = 0;
  while (reader && length < looked) {
    const { value, done } = await reader.read();
    if (done) break;
    const piece = value.subarray(0, looked - length);
    head.set(piece, length);
    length += piece.length;
  }
  await reader?.cancel();
  return head.subarray(0, length);
}
