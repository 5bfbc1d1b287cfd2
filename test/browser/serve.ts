import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

/** What lies at an address: its type and content, or what is done with the answer. */
export type Served = readonly [type: string, content: string | Uint8Array] | ((response: ServerResponse) => void);

const engine = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'));

/** A file of the engine; builds for graphics cards lie beside the one that is used. */
export const wasmFile = (name = 'ort-wasm-simd-threaded.wasm'): Served => [
  'application/wasm',
  readFileSync(join(engine, name)),
];

/** A server on this machine; what it does not have is a page that says so. */
export async function serve(
  find: (path: string) => Served | undefined,
  headers: Readonly<Record<string, string>> = {},
) {
  const server = createServer(({ url = '/' }, response) => {
    const found = find(decodeURIComponent(url.split('?')[0]));
    if (typeof found === 'function') {
      found(response);
      return;
    }
    const [type, content] = found ?? ['text/html', '<!doctype html><title>Not found</title>'];
    response.writeHead(found ? 200 : 404, { ...headers, 'content-type': type });
    response.end(content);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((closed) => server.close(closed)),
  };
}
