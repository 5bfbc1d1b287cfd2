import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Processes of the runtime that this one has started (models run in their own by default). Linux; none elsewhere. */
function runtimeProcesses(): string[] {
  if (!existsSync('/proc/self/task')) return [];
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('ort-child'));
}

/** Seconds of processor time of this process and of those of the runtime, summed over threads. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  let nanoseconds = 0;
  for (const child of runtimeProcesses()) {
    for (const thread of readdirSync(`/proc/${child}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${child}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return (user + system) / 1e6 + nanoseconds / 1e9;
}

/**
 * Most KiB that this process and those of the runtime held, each at its own peak. Linux counts what `maxRSS` says from
 * before the program was started, when the process was still a copy of the one that starts it.
 */
export function highWaterMark(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return ['self', ...runtimeProcesses()].reduce((sum, id) => {
    const status = readFileSync(`/proc/${id}/status`, 'utf8');
    return sum + Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]);
  }, 0);
}
