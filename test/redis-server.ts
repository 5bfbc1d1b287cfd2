import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether there is a Redis server on this machine: `apt-get install redis-server` on Debian. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A Redis server on a free port of this machine, which forgets everything when it ends. */
export interface RedisServer {
  readonly url: string;
  /** Ends it without a word, and starts an empty one on the same port. */
  restart(): Promise<void>;
  remove(): void;
}

export async function startRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'wherefore-redis-'));
  const port = await freePort();
  const start = () => begin(port, folder);
  let server = await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    async restart() {
      await ended(server);
      server = await start();
    },
    remove() {
      server.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function begin(port: number, folder: string): Promise<ChildProcess> {
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    child.stdout?.on('data', (text) => String(text).includes('Ready to accept') && resolve(child));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
