import { lookup as lookupHost } from 'node:dns';
import { type IncomingHttpHeaders, type IncomingMessage, request as openHttp, type RequestOptions } from 'node:http';
import { request as openHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { WhereforeError } from '../../errors.ts';
import { isAddress, isLoopback, isPrivate } from './private-address.ts';

/** Where the hub is, and who asks. */
export interface HubAccess {
  readonly endpoint: URL;
  /** Sent to the endpoint alone; never stored, printed or part of an error. */
  readonly token?: string;
  readonly signal?: AbortSignal;
  /** Whether only what was downloaded before is used. */
  readonly offline: boolean;
  /** Milliseconds without a byte after which a connection counts as cut. */
  readonly patience: number;
}

export interface HubResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What the hub itself said of the file before it sent on: its checksum stands there. */
  readonly first: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

const mostRedirects = 5;
const defaultHub = 'https://huggingface.co';

/**
 * Where the hub is by the environment: `HF_ENDPOINT` (a mirror), `HF_TOKEN`, `HF_HUB_OFFLINE`.
 * @throws WhereforeError `invalid-argument` for an address that is none, or that a token would reach in the clear
 */
export function hubAccess(environment: NodeJS.ProcessEnv, options: Pick<HubAccess, 'signal' | 'patience'>): HubAccess {
  const address = environment.HF_ENDPOINT?.trim() || defaultHub;
  const token = environment.HF_TOKEN?.trim() || undefined;
  const endpoint = URL.canParse(address) ? new URL(address) : undefined;
  if (!endpoint || !/^https?:$/.test(endpoint.protocol) || endpoint.username || endpoint.password) {
    throw new WhereforeError('invalid-argument', 'HF_ENDPOINT is no web address', {
      expected: `${defaultHub}, without a name or password`,
      fix: 'set it to the address of a mirror, or unset it',
    });
  }
  if (token !== undefined && endpoint.protocol === 'http:' && !isThisMachine(endpoint)) {
    throw new WhereforeError('invalid-argument', 'the token in HF_TOKEN would be sent in the clear', {
      where: endpoint.host,
      fix: 'use an https address in HF_ENDPOINT, or unset HF_TOKEN',
    });
  }
  const offline = /^(1|true|yes|on)$/i.test(environment.HF_HUB_OFFLINE?.trim() ?? '');
  return { ...options, endpoint, token, offline };
}

const isThisMachine = ({ hostname }: URL): boolean => hostname === 'localhost' || isLoopback(hostname);

/** An address as a message may show it: signed addresses of stores hold keys behind the question mark. */
export const shownAddress = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/**
 * Gets from the hub, following where it sends: stores of files lie elsewhere. The token goes to the hub alone. An
 * address in a closed network is refused, also where a name leads to it: the connection is made to the very address that
 * was looked at.
 * @throws WhereforeError `endpoint` for what is refused; errors of the connection as they come
 */
export async function hubGet(
  access: HubAccess,
  url: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<HubResponse> {
  let [at, first] = [url, undefined as IncomingHttpHeaders | undefined];
  for (let step = 0; step <= mostRedirects; step++) {
    const body = await get(access, at, headers);
    const { statusCode: status = 0, headers: said } = body;
    first = { ...said, ...first };
    if (status < 300 || status >= 400 || said.location === undefined) return { status, headers: said, first, body };
    body.destroy();
    at = nextAddress(access, at, said.location);
  }
  throw new WhereforeError('endpoint', 'the hub sends from one address to another without end', {
    where: shownAddress(url),
    fix: 'try again later, or set HF_ENDPOINT to another mirror',
  });
}

function nextAddress({ endpoint }: HubAccess, from: URL, location: string): URL {
  if (!URL.canParse(location, from)) throw refusedAddress(from, location.slice(0, 80), 'to what is no address');
  const next = new URL(location, from);
  const shown = shownAddress(next);
  if (!/^https?:$/.test(next.protocol)) throw refusedAddress(from, shown, 'to what is no web address');
  if (next.username || next.password) throw refusedAddress(from, next.host, 'to an address with a name or password');
  if (from.protocol === 'https:' && next.protocol === 'http:')
    throw refusedAddress(from, shown, 'to a connection in the clear');
  if (isAddress(next.hostname) && !isAllowed(endpoint, next, next.hostname))
    throw refusedAddress(from, shown, 'to an address in a closed network');
  return next;
}

/** The hub that the environment names may stand anywhere; what it sends to, on this machine only if it does itself. */
function isAllowed(endpoint: URL, to: URL, address: string): boolean {
  if (to.origin === endpoint.origin || !isPrivate(address)) return true;
  return isLoopback(address) && isThisMachine(endpoint);
}

const refusedAddress = (from: URL, got: string, where: string) =>
  new WhereforeError('endpoint', `the hub sends ${where}, which is not followed`, {
    where: shownAddress(from),
    got,
    fix: 'check HF_ENDPOINT and the network; a proxy that asks for a login answers like this',
  });

function get(
  { endpoint, token, signal, patience }: HubAccess,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<IncomingMessage> {
  const own = url.origin === endpoint.origin;
  const options: RequestOptions = {
    method: 'GET',
    signal,
    timeout: patience,
    // A kept connection would outlive the command.
    agent: false,
    headers: {
      'accept-encoding': 'identity',
      'user-agent': 'wherefore',
      ...headers,
      ...(own && token !== undefined ? { authorization: `Bearer ${token}` } : {}),
    },
    lookup: checkedLookup(endpoint, url),
  };
  const open = url.protocol === 'https:' ? openHttps : openHttp;
  return new Promise((resolve, reject) => {
    const sent = open(url, options, resolve);
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error(`no byte came within ${patience / 1000} s`)));
    sent.end();
  });
}

/** Looks a name up, and refuses it where it leads into a closed network. */
function checkedLookup(endpoint: URL, url: URL): LookupFunction {
  return (host, options, done) =>
    lookupHost(host, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '', 0);
      const closed = addresses.find(({ address }) => !isAllowed(endpoint, url, address));
      if (closed || addresses.length === 0)
        return done(refusedAddress(url, host, 'to a name in a closed network'), '', 0);
      if (options.all) return done(null, addresses);
      done(null, addresses[0].address, addresses[0].family);
    });
}
