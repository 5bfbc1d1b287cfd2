import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a stub of the hub behaves; everything off is a hub that gives all it has. */
export interface HubMoods {
  /** The token that it wants. */
  readonly token?: string;
  /** Statuses of the first requests, in order; 0 lets one through. */
  readonly first?: readonly number[];
  readonly retryAfter?: string;
  /** Bytes of a file after which the connection is cut, for each request of a file in turn. */
  readonly cutAfter?: readonly number[];
  /** Sends another content than it promises. */
  readonly swapped?: boolean;
  /** Sends requests of files there. */
  readonly redirect?: string;
  /** Lists files without checksums, as some mirrors do. */
  readonly plainList?: boolean;
  /** Ignores `Range`. */
  readonly noRanges?: boolean;
}

export interface StubHub {
  readonly url: string;
  /** Paths of the requests so far, with the `Range` that they asked for. */
  readonly requests: string[];
  /** What came as `Authorization`, by the part of the server that got it. */
  readonly tokens: Readonly<Record<'hub' | 'store', (string | undefined)[]>>;
  moods: HubMoods;
  close(): Promise<void>;
}

export const stubCommit = '0123456789abcdef0123456789abcdef01234567';
const hex = (algorithm: string, content: Uint8Array, before = '') =>
  createHash(algorithm).update(before).update(content).digest('hex');

/**
 * A hub with one model, `tiny/llama`, on a free port of this machine, in the layout of Hugging Face: a list of files, small
 * ones from the hub itself, those of `large` by way of a store at another address.
 */
export async function startHub(
  files: ReadonlyMap<string, Uint8Array>,
  { large, moods = {} }: { readonly large: ReadonlySet<string>; readonly moods?: HubMoods },
): Promise<StubHub> {
  const stub = { requests: [] as string[], tokens: { hub: [], store: [] } as StubHub['tokens'], moods };
  const cuts = { taken: 0 };
  const hub = createServer((request, response) => answer(request, response));
  const store = createServer((request, response) => {
    stub.tokens.store.push(request.headers.authorization);
    sendFile(request, response, decodeURIComponent((request.url ?? '').slice(1).replace(/\?.*$/, '')));
  });
  for (const server of [hub, store]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const addressOf = (server: typeof hub) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(stub, {
    url: addressOf(hub),
    async close() {
      for (const server of [hub, store]) {
        server.closeAllConnections();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    },
  });

  function answer(request: IncomingMessage, response: ServerResponse): unknown {
    const { moods, requests } = stub;
    const status = moods.first?.[requests.length] ?? 0;
    const { url = '', headers } = request;
    requests.push(headers.range ? `${url} ${headers.range}` : url);
    stub.tokens.hub.push(headers.authorization);
    const fail = (code: number, more: Record<string, string> = {}) => response.writeHead(code, more).end('{}');
    if (moods.token !== undefined && headers.authorization !== `Bearer ${moods.token}`) return fail(401);
    if (status > 0) return fail(status, moods.retryAfter === undefined ? {} : { 'retry-after': moods.retryAfter });
    const [, owner, name, file] = /^\/(?:api\/models\/)?([^/]+)\/([^/]+)\/(?:resolve\/[^/]+\/)?(.*)$/.exec(url) ?? [];
    if (owner !== 'tiny' || name !== 'llama') return fail(404, { 'x-error-code': 'RepoNotFound' });
    if (url.startsWith('/api/')) {
      const known = new RegExp(`/revision/(main|refs%2Fpr%2F1|${stubCommit})\\?blobs=true$`).test(url);
      return known ? response.end(JSON.stringify(list())) : fail(404, { 'x-error-code': 'RevisionNotFound' });
    }
    const content = files.get(decodeURIComponent(file));
    if (!content) return fail(404, { 'x-error-code': 'EntryNotFound' });
    if (moods.redirect) return fail(302, { location: moods.redirect });
    if (!large.has(file)) return sendFile(request, response, file);
    const linked = { 'x-linked-etag': `"${hex('sha256', content)}"`, 'x-linked-size': String(content.length) };
    return fail(302, { ...linked, location: `${addressOf(store)}/${file}?signature=secret` });
  }

  function list() {
    const siblings = [...files].map(([rfilename, content]) => {
      if (stub.moods.plainList) return { rfilename };
      const size = content.length;
      const blobId = hex('sha1', content, `blob ${size}\0`);
      return {
        rfilename,
        size,
        blobId,
        ...(large.has(rfilename) ? { lfs: { sha256: hex('sha256', content), size } } : {}),
      };
    });
    return { id: 'tiny/llama', sha: stubCommit, siblings };
  }

  function sendFile({ headers }: IncomingMessage, response: ServerResponse, name: string): unknown {
    const whole = files.get(name) as Uint8Array;
    const content = stub.moods.swapped ? Uint8Array.from(whole).fill(7, 0, 1) : whole;
    const from = stub.moods.noRanges ? 0 : Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    if (from >= content.length && from > 0) return response.writeHead(416).end();
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': content.length - from,
      etag: `"${hex('sha1', whole, `blob ${whole.length}\0`)}"`,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    const cut = stub.moods.cutAfter?.[cuts.taken++];
    if (cut === undefined || cut < 0) return response.end(content.subarray(from));
    return response.write(content.subarray(from, from + cut), () => setTimeout(() => response.destroy(), 20));
  }
}
