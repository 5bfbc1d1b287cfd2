// What an import costs before anything is done: `npm run bench:import -- [processes of each entry]`
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { spreadOf } from '../measure.ts';

/** What `import 'wherefore'` may cost at most. */
const budget = { wall: 300, memory: 60 };

interface Cost {
  /** Milliseconds. */
  readonly wall: number;
  /** Milliseconds of processor time, of all threads. */
  readonly processor: number;
  /** MB that the process holds. */
  readonly memory: number;
}

const script = `
const began = performance.now();
const before = process.cpuUsage();
if (process.argv[1]) await import(process.argv[1]);
const wall = performance.now() - began;
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ wall, processor: (user + system) / 1e3, memory: process.memoryUsage().rss / 1e6 }));`;

/** The median of each cost over so many fresh processes. */
function costOf(count: number, url?: string): Cost {
  const words = ['--input-type=module', '--eval', script, ...(url ? [url] : [])];
  const costs = Array.from(
    { length: count },
    () => JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })) as Cost,
  );
  const middle = (name: keyof Cost) => spreadOf(costs.map((cost) => cost[name])).median;
  return { wall: middle('wall'), processor: middle('processor'), memory: middle('memory') };
}

const count = Number(process.argv[2] ?? 11);
const { exports: entries } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
};
const bare = costOf(count);
console.log(`node ${process.version} alone: ${bare.memory.toFixed(0)} MB; medians of ${count} processes, over it:`);
for (const [name, entry] of Object.entries(entries)) {
  if (typeof entry === 'string') continue;
  const { wall, processor, memory } = costOf(count, pathToFileURL(entry.default).href);
  const title = name.replace('.', 'wherefore').padEnd(22);
  console.log(
    `${title}${wall.toFixed(0).padStart(5)} ms, processor ${processor.toFixed(0).padStart(5)} ms, ${(memory - bare.memory).toFixed(0).padStart(3)} MB`,
  );
}
console.log(`budget: ${budget.wall} ms, ${budget.memory} MB`);
