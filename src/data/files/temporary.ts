import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { contentHash } from '../../tensor/content-hash.ts';

/** `.NAME.PID-START-HOST-RANDOM.tmp`: whose it is stands in the name of what is not finished. */
const pattern = /\.(\d+)-([0-9a-z]+)-([0-9a-f]{8})-[0-9a-f]{8}\.tmp$/;

const host = contentHash([hostname()]).slice(0, 8);

/** What another machine left in a shared folder is removed after this time, since its processes cannot be asked. */
const foreignMs = 7 * 24 * 3600 * 1000;

/** A path beside a target for what is being written, which tells whose it is. */
export function temporaryPath(target: string): string {
  const owner = `${process.pid}-${startOf(process.pid) ?? 'x'}-${host}`;
  return join(dirname(target), `.${basename(target).slice(0, 120)}.${owner}-${randomUUID().slice(0, 8)}.tmp`);
}

/** When a process began, where the system tells (Linux): two processes of one number have different ones. */
function startOf(pid: number): string | undefined {
  try {
    // The name of the process, in brackets, may hold spaces; the start is the 20th field behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, '').trim().split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 4);
    return `${boot}${Number(fields[19]).toString(36)}`;
  } catch {
    return undefined;
  }
}

/** Whether the process that a temporary name tells of is at work no more. */
async function isAbandoned(folder: string, name: string): Promise<boolean> {
  const [, pid, start, owner] = pattern.exec(name) ?? [];
  if (pid === undefined) return false;
  if (owner !== host) {
    const facts = await stat(join(folder, name)).catch(() => undefined);
    return facts !== undefined && Date.now() - facts.mtimeMs > foreignMs;
  }
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const now = startOf(Number(pid));
  return now !== undefined && start !== 'x' && now !== start;
}

/** A path of what a process that was killed left unfinished of a target, so that another goes on with it. */
export async function abandonedOf(target: string): Promise<string | undefined> {
  const folder = dirname(target);
  const begins = `.${basename(target).slice(0, 120)}.`;
  for (const name of await readdir(folder).catch(() => [])) {
    const own = name.startsWith(begins) && name.replace(pattern, '.') === begins;
    if (own && (await isAbandoned(folder, name))) return join(folder, name);
  }
  return undefined;
}

const cleared = new Set<string>();

/**
 * Removes from a folder what processes that were killed left unfinished there; looks once at each folder, unless asked
 * to look `again`.
 */
export async function clearAbandoned(
  folder: string,
  { again = false }: { readonly again?: boolean } = {},
): Promise<void> {
  if (cleared.has(folder) && !again) return;
  cleared.add(folder);
  // A folder that cannot be listed will say so to whoever writes into it.
  for (const name of await readdir(folder).catch(() => [])) {
    if (await isAbandoned(folder, name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}
