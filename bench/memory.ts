import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cases, open } from './cases.ts';

/** Peak resident memory of a process of its own that integrates gradients along so many steps, in MiB. */
export function peakOfPath(steps: number, threads: number): number {
  const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), String(steps), String(threads)], {
    encoding: 'utf8',
  });
  return Number(output) / 1024;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [steps, threads] = process.argv.slice(2).map(Number);
  const path = cases.find(({ work }) => work === 'path');
  if (!path) throw new Error('no case integrates along a path');
  const opened = await open({ ...path, steps }, threads);
  await opened.run();
  await opened.close();
  console.log(process.resourceUsage().maxRSS);
}
