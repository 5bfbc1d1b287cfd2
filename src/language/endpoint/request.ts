import { type ErrorDetails, WhereforeError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import type { Budget } from './limits.ts';

/** An endpoint does not know a request of this kind, or answers it in another form; others may work. */
export class RequestRefused extends WhereforeError {
  constructor(what: string, details: ErrorDetails) {
    super('endpoint', what, details);
  }
}

/** How an endpoint is reached. */
export interface Connection {
  /** Up to and including the version: `https://api.example.com/v1`. */
  readonly url: string;
  /** Sent as a bearer token; never stored, printed or part of an error. */
  readonly key: string | undefined;
  /** Where the key came from, for messages. */
  readonly keyVariable: string;
  readonly budget: Budget;
  /** Attempts after the first that failed. Default 4. */
  readonly retries?: number;
  /** Milliseconds for one answer. Default 120,000. */
  readonly timeout?: number;
  /** Requests that begin within a minute, at most. Default: no limit. */
  readonly perMinute?: number;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Waits; tests need not. Default: a timer. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** What one attempt came to: an answer, or why there is none and whether another attempt may help. */
type Attempt =
  | { readonly answer: unknown }
  | { readonly error: WhereforeError; readonly again: boolean; readonly after?: number };

const firstWait = 500;
/** An endpoint that asks for more patience than this is asked again by the person. */
const longestWait = 60_000;

/**
 * Makes requests of an endpoint: answers of JSON, failures that pass tried again with growing pauses (or those that the
 * endpoint asks for), everything else one clear error. Redirects are refused: they would send the key elsewhere.
 * @throws WhereforeError `invalid-argument` where the address is none, or would send a key in the clear
 */
export function openRequests(
  connection: Connection,
): (path: string, body?: unknown, signal?: AbortSignal) => Promise<unknown> {
  const { retries = 4, wait = pause, perMinute, budget } = connection;
  checkAddress(connection);
  const begun: number[] = [];

  return async (path, body, signal) => {
    for (let tried = 0; ; tried++) {
      throwIfCancelled(signal);
      await myTurn(signal);
      budget.takeCall();
      const result = await attempt(connection, path, body, signal);
      if ('answer' in result) return result.answer;
      if (!result.again || tried >= retries) throw tried > 0 ? afterAll(result.error, tried + 1) : result.error;
      // Full jitter would make tests of the pauses random; growing pauses spread enough for one client.
      const asked = result.after ?? firstWait * 2 ** tried;
      if (asked > longestWait) throw result.error;
      await wait(asked, signal);
    }
  };

  /** Takes the next moment at which a request stays within those of a minute, and waits for it. */
  async function myTurn(signal?: AbortSignal): Promise<void> {
    if (perMinute === undefined) return;
    const now = Date.now();
    const free = begun.length < perMinute ? now : Math.max(now, begun[begun.length - perMinute] + 60_000);
    begun.push(free);
    if (begun.length > perMinute) begun.shift();
    if (free > now) await wait(free - now, signal);
  }
}

function checkAddress({ url, key }: Connection): void {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (!address || !/^https?:$/.test(address.protocol)) {
    throw new WhereforeError('invalid-argument', 'the address of the endpoint is no web address', {
      got: url,
      expected: 'https://host/v1, or http://localhost:port/v1',
    });
  }
  if (address.username || address.password) {
    throw new WhereforeError('invalid-argument', 'the address of the endpoint holds a name or a password', {
      where: address.host,
      fix: 'leave it out of the address; a key comes from the environment',
    });
  }
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(address.hostname);
  if (key !== undefined && address.protocol === 'http:' && !local) {
    throw new WhereforeError('invalid-argument', 'a key would be sent in the clear', {
      where: address.host,
      fix: 'use https, or unset the variable that holds the key',
    });
  }
}

async function attempt(
  connection: Connection,
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  const { url, key, timeout = 120_000, fetch: get = fetch } = connection;
  const where = `${url.replace(/\/$/, '')}${path}`;
  const limit = AbortSignal.timeout(timeout);
  try {
    const response = await get(where, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const text = await response.text();
    return response.ok ? readAnswer(text, where) : refusal(response, text, where, connection);
  } catch (cause) {
    if (signal?.aborted) throw new WhereforeError('cancelled', 'cancelled', { cause });
    const what = limit.aborted
      ? `the endpoint did not answer within ${timeout / 1000} s`
      : 'the endpoint cannot be reached, or cut the answer short';
    const got = limit.aborted ? undefined : withoutKey(reasonOf(cause), key);
    const fix = 'check that the server runs and that the address is right';
    return { error: new WhereforeError('endpoint', what, { where, got, fix, cause }), again: true };
  }
}

function readAnswer(text: string, where: string): Attempt {
  try {
    return { answer: JSON.parse(text) };
  } catch (cause) {
    const got = text.trim() === '' ? 'nothing' : text.slice(0, 80);
    const details = { where, got, expected: 'JSON', fix: 'check that the address is that of the API', cause };
    return { error: new WhereforeError('endpoint', 'the answer of the endpoint is no JSON', details), again: true };
  }
}

/** Statuses that pass: too early, too many, or trouble of the server's own. */
const passing = new Set([408, 409, 425, 429, 500, 502, 503, 504, 529]);

function refusal(response: Response, text: string, where: string, { key, keyVariable }: Connection): Attempt {
  const { status } = response;
  const said = withoutKey(messageOf(text), key);
  const error = (what: string, fix: string) => new WhereforeError('endpoint', what, { where, got: said, fix });
  if (status === 401 || status === 403) {
    const got = key === undefined ? `no key is in ${keyVariable}` : `the key in ${keyVariable} is refused`;
    return {
      error: error(`the endpoint wants another key: ${got}`, `set ${keyVariable} to a key of it`),
      again: false,
    };
  }
  if (status >= 300 && status < 400) {
    return {
      error: error('the endpoint sends elsewhere, which is not followed', 'give the address itself'),
      again: false,
    };
  }
  if (passing.has(status) && !/insufficient_quota|billing/i.test(text)) {
    const what = status === 429 ? 'the endpoint has too many requests' : `the endpoint fails (status ${status})`;
    return {
      error: error(what, 'try again later, or allow fewer requests a minute'),
      again: true,
      after: askedPause(response),
    };
  }
  const fix = status === 404 ? 'check the address and the name of the model' : 'see what it says';
  const details = { where, got: said, fix };
  return { error: new RequestRefused(`the endpoint refuses the request (status ${status})`, details), again: false };
}

/** Milliseconds of `Retry-After`, in seconds or as a date. */
function askedPause(response: Response): number | undefined {
  const asked = response.headers.get('retry-after');
  if (asked === null) return undefined;
  const seconds = Number(asked);
  const milliseconds = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(asked) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

/** What an endpoint says about a failure: `{"error": {"message": …}}` of most, else the beginning of it. */
function messageOf(text: string): string {
  try {
    const { error, message, detail } = JSON.parse(text) as Record<string, unknown>;
    const inner = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail;
    if (typeof inner === 'string') return inner.slice(0, 300);
  } catch {
    // No JSON: shown as it is.
  }
  return text.trim().slice(0, 300) || 'no reason';
}

const withoutKey = (text: string, key: string | undefined): string =>
  key === undefined || key === '' ? text : text.replaceAll(key, '…');

function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } })?.cause;
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
}

const afterAll = ({ code, what, details }: WhereforeError, attempts: number): WhereforeError =>
  new WhereforeError(code, `${what}, ${attempts} times in a row`, details);

/** The error for a model that the endpoint does not have, where it lists those that it has. */
export function unknownModel(model: string, known: readonly string[], where: string): WhereforeError {
  return new WhereforeError('unknown-name', `the endpoint has no model "${model}"`, {
    where,
    guess: nearest(model, known),
    expected: known.join(', '),
  });
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', cancel, { once: true });
    function done() {
      signal?.removeEventListener('abort', cancel);
      resolve();
    }
    function cancel() {
      clearTimeout(timer);
      reject(new WhereforeError('cancelled', 'cancelled'));
    }
  });
}
