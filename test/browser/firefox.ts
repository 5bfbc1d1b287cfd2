import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The path of a Firefox, or undefined, which is said: such tests are skipped. */
export function firefoxPath(): string | undefined {
  const { FIREFOX_PATH, PATH = '' } = process.env;
  const onPath = PATH.split(delimiter).flatMap((folder) =>
    ['firefox', 'firefox-esr'].map((name) => join(folder, name)),
  );
  const found = [...(FIREFOX_PATH ? [FIREFOX_PATH] : onPath)].find((path) => existsSync(path));
  if (!found) console.warn('skipped: no Firefox was found; install one, or set FIREFOX_PATH to its path');
  return found;
}

export interface Firefox {
  goto(url: string): Promise<void>;
  /** What a script gives in the page: it is called with `argument` and awaited. */
  evaluate<A, R>(script: (argument: A) => Promise<R> | R, argument: A): Promise<R>;
  close(): Promise<void>;
}

/** Quiet, offline, and with a port of its own. */
const preferences = {
  'marionette.port': 0,
  'app.update.auto': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/**
 * Firefox without a window, driven by Marionette, which every build has: Playwright asks Firefox for commands that the
 * one of Debian does not know yet.
 */
export async function startFirefox(executablePath: string): Promise<Firefox> {
  const profile = mkdtempSync(join(tmpdir(), 'wherefore-firefox-'));
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
  writeFileSync(join(profile, 'user.js'), lines.join('\n'));
  const child = spawn(executablePath, ['--headless', '--marionette', '--no-remote', '--profile', profile], {
    stdio: 'ignore',
    env: { ...process.env, HOME: profile },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const close = async () => {
    child.kill();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const { ask, socket } = await marionette(await portOf(join(profile, 'MarionetteActivePort')));
    await ask('WebDriver:NewSession', { capabilities: { alwaysMatch: {} } });
    await ask('WebDriver:SetTimeouts', { script: 300_000 });
    return {
      goto: async (url) => void (await ask('WebDriver:Navigate', { url })),
      evaluate: async (script, argument) => {
        const { value } = await ask('WebDriver:ExecuteAsyncScript', {
          // Results cross as text: no object of the page is looked at from outside.
          script: `const done = arguments[1]; Promise.resolve().then(() => (${script})(JSON.parse(arguments[0]))).then((value) => done(JSON.stringify({ value })), (error) => done(JSON.stringify({ error: String(error) })))`,
          args: [JSON.stringify(argument)],
          sandbox: null,
          newSandbox: false,
        });
        const told = JSON.parse(String(value));
        if (told.error !== undefined) throw new Error(told.error);
        return told.value;
      },
      close: async () => {
        socket.destroy();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Firefox writes its port into the profile once it listens. */
async function portOf(path: string): Promise<number> {
  for (let i = 0; i < 600; i++) {
    if (existsSync(path)) {
      const port = Number(readFileSync(path, 'utf8'));
      if (port > 0) return port;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('Firefox did not start within 60 s');
}

type Reply = { readonly value?: unknown };

/** A connection: messages are JSON behind their length in bytes and a colon, `[0, id, command, parameters]`. */
async function marionette(port: number) {
  const socket: Socket = connect(port, '127.0.0.1');
  const waiting = new Map<number, (reply: readonly [unknown, number, { message: string } | null, Reply]) => void>();
  let held: Buffer = Buffer.alloc(0);
  let greeted: (() => void) | undefined;
  const greeting = new Promise<void>((resolve, reject) => {
    greeted = resolve;
    socket.once('error', reject);
  });
  socket.on('data', (piece) => {
    held = Buffer.concat([held, piece]);
    for (;;) {
      const colon = held.indexOf(58);
      const length = colon < 0 ? Number.NaN : Number(held.toString('latin1', 0, colon));
      if (!(held.length >= colon + 1 + length)) return;
      const message = JSON.parse(held.toString('utf8', colon + 1, colon + 1 + length));
      held = held.subarray(colon + 1 + length);
      if (Array.isArray(message)) waiting.get(message[1])?.(message as never);
      else greeted?.();
    }
  });
  await greeting;
  let last = 0;
  const ask = (command: string, parameters: object) =>
    new Promise<Reply>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ([, , error, reply]) =>
        error ? reject(new Error(`${command}: ${error.message}`)) : resolve(reply),
      );
      const text = JSON.stringify([0, id, command, parameters]);
      socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  return { ask, socket };
}
