import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clearAbandoned, temporaryPath } from './temporary.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wherefore-temporary-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** The temporary name that another process would have. */
function nameOf(pid: number): string {
  vi.spyOn(process, 'pid', 'get').mockReturnValue(pid);
  const path = temporaryPath(join(folder, 'run'));
  vi.restoreAllMocks();
  return path;
}

/** A process that has ended. */
const ended = () => Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));

describe('what is being written', () => {
  it('is removed when its process was killed, and only then', async () => {
    expect(hostname()).not.toBe('');
    const own = temporaryPath(join(folder, 'run'));
    const dead = nameOf(ended());
    mkdirSync(own);
    mkdirSync(dead);
    writeFileSync(join(dead, 'half'), 'x');
    writeFileSync(join(folder, '.notes.tmp'), 'not ours');
    await clearAbandoned(folder);
    expect(readdirSync(folder).sort()).toEqual(['.notes.tmp', own.slice(folder.length + 1)].sort());
  });

  it.skipIf(process.platform !== 'linux')('is removed when its number went to another process', async () => {
    const own = temporaryPath(join(folder, 'run'));
    const reused = own.replace(/(\.\d+-)([0-9a-z]+)(-)/, (_, pid, start, rest) => `${pid}${start}0${rest}`);
    writeFileSync(reused, 'x');
    await clearAbandoned(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of another machine stays for a week', async () => {
    const foreign = nameOf(ended()).replace(/-[0-9a-f]{8}-/, '-00000000-');
    writeFileSync(foreign, 'x');
    await clearAbandoned(folder);
    expect(readdirSync(folder)).toHaveLength(1);
  });
});
