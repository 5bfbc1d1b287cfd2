import { WhereforeError } from '../errors.ts';
import { optionalPackage } from './optional-package.ts';

/** What is used of an `ioredis` client. */
export interface RedisClient {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ...options: (string | number)[]): Promise<string | null>;
  del(key: string): Promise<number>;
  info(section: string): Promise<string>;
  connect(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  disconnect(): void;
}

/** Milliseconds between two attempts to reach a server that went away, and what the first connection may take. */
const again = 500;
const patience = 5000;

/**
 * Connects to Redis. Once it was reached, a server that goes away is waited for.
 * @throws WhereforeError `runtime` where it cannot be reached at first; `invalid-argument` for another kind of address
 */
export async function connectRedis(url: string): Promise<RedisClient> {
  if (!/^rediss?:\/\//.test(url)) {
    throw new WhereforeError('invalid-argument', 'this is no address of a queue', {
      got: url,
      expected: 'redis://HOST:PORT, or rediss:// with TLS',
    });
  }
  const { Redis } = await optionalPackage<{ Redis: new (url: string, options: object) => RedisClient }>('ioredis');
  let reached = false;
  let last: Error | undefined;
  const client = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    connectTimeout: patience,
    retryStrategy: () => (reached ? again : null),
  });
  // Without a listener the first lost connection would end the program.
  client.on('error', (error) => {
    last = error;
  });
  try {
    await client.connect();
  } catch (cause) {
    client.disconnect();
    throw new WhereforeError('runtime', 'the queue cannot be reached', {
      where: withoutPassword(url),
      got: (last ?? (cause as Error)).message,
      fix: 'check the address, and that redis-server runs there',
      cause,
    });
  }
  reached = true;
  return client;
}

/** An address as it may be shown. */
export const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//');

/** Tells one start of a server from the next. @returns undefined while it does not answer within a second */
export async function serverStart(client: RedisClient): Promise<string | undefined> {
  const asked = client.info('server').then(
    (text) => /run_id:(\w+)/.exec(text)?.[1],
    () => undefined,
  );
  const waited = new Promise<undefined>((resolve) => setTimeout(resolve, 1000, undefined).unref());
  return Promise.race([asked, waited]);
}
