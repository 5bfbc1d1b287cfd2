import { setTimeout as pause } from 'node:timers/promises';
import { WhereforeError } from '../../errors.ts';
import { type HubAccess, type HubResponse, hubGet, shownAddress } from './hub-request.ts';

/** Attempts in a row that bring nothing new before it is given up. */
const mostAttempts = 5;
const firstWait = 500;
/** A hub that asks for more patience than this is asked again by the person. */
const longestWait = 60_000;
/** Too early, too many, or trouble of the hub's own. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Nothing answers at the address: another attempt would not help, and a person without a network does not want to wait. */
const nobodyThere = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH']);

/** What is asked for, in words and for messages. */
export interface Asked {
  readonly url: URL;
  /** The repository, as a person writes it. */
  readonly of: string;
  /** Sent with the request of each attempt. */
  readonly headers?: () => Readonly<Record<string, string>>;
}

/**
 * Asks the hub until `read` has what it needs: what passes (too many requests, a cut connection) is tried again, after
 * the pause that the hub asks for or growing ones. `read` may keep what came before a cut, and says by `gained` whether
 * there was anything, in which case the count of attempts begins anew.
 * @throws WhereforeError `endpoint`, `file-not-found`, `cancelled`
 */
export async function fromHub<T>(
  access: HubAccess,
  asked: Asked,
  read: (response: HubResponse) => Promise<T>,
  gained: () => boolean = () => false,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    let [wait, failure] = [firstWait * 2 ** (tried - 1), undefined as WhereforeError | undefined];
    try {
      const response = await hubGet(access, asked.url, asked.headers?.());
      if (response.status < 300 || response.status === 416) return await read(response);
      response.body.destroy();
      failure = refusal(access, response, asked);
      if (!passing.has(response.status)) throw failure;
      wait = askedPause(response.headers['retry-after']) ?? wait;
      if (wait > longestWait) throw failure;
    } catch (cause) {
      if (access.signal?.aborted) throw new WhereforeError('cancelled', 'cancelled', { cause });
      if (cause instanceof WhereforeError) throw cause;
      failure = unreachable(asked, cause);
      if (nobodyThere.has((cause as NodeJS.ErrnoException).code ?? '')) throw failure;
    }
    if (gained()) tried = 0;
    if (tried >= mostAttempts)
      throw new WhereforeError(failure.code, `${failure.what}, ${tried} times in a row`, failure.details);
    await pause(wait, undefined, { signal: access.signal }).catch((cause: unknown) => {
      throw new WhereforeError('cancelled', 'cancelled', { cause });
    });
  }
}

/** Milliseconds of `Retry-After`, in seconds or as a date. */
function askedPause(asked: string | undefined): number | undefined {
  if (asked === undefined) return undefined;
  const seconds = Number(asked);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(asked) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

function unreachable({ url }: Asked, cause: unknown): WhereforeError {
  const { code, message } = cause as { code?: string; message?: string };
  return new WhereforeError('endpoint', 'the hub cannot be reached, or cut the file short', {
    where: url.host,
    got: code ?? message,
    fix: 'check the network; with HF_HUB_OFFLINE=1 what was downloaded before is used; the same command goes on where this one stopped',
    cause,
  });
}

/** What the hub says is missing, by its header. */
const missing: Readonly<Record<string, readonly [what: string, fix: string]>> = {
  RepoNotFound: ['the hub has no such model', 'check owner and name; a private one needs HF_TOKEN'],
  RevisionNotFound: ['the model has no such revision', 'check what stands behind the @'],
  EntryNotFound: ['the model has no such file', 'check the name of the file'],
};

function refusal({ token }: HubAccess, { status, headers }: HubResponse, { url, of }: Asked): WhereforeError {
  const details = { where: of, got: `status ${status} from ${shownAddress(url)}` };
  const said = String(headers['x-error-code'] ?? '');
  if (status === 401 || said === 'GatedRepo' || status === 403) {
    const [got, fix] =
      token === undefined
        ? ['HF_TOKEN is not set', 'check owner and name; where the model is private or gated, set HF_TOKEN']
        : [
            'the token in HF_TOKEN is refused',
            'check owner and name, accept the terms on its page, or set another token',
          ];
    return new WhereforeError('endpoint', 'the hub does not show this model, or has none of that name', {
      where: of,
      got,
      fix,
    });
  }
  if (status === 404) {
    const [what, fix] = missing[said] ?? ['the hub has nothing there', 'check owner, name, revision and file'];
    return new WhereforeError('file-not-found', what, { ...details, fix });
  }
  if (status === 429)
    return new WhereforeError('endpoint', 'the hub has too many requests', {
      ...details,
      fix: 'try again later; with HF_TOKEN it allows more',
    });
  return new WhereforeError('endpoint', `the hub fails (status ${status})`, { ...details, fix: 'try again later' });
}
