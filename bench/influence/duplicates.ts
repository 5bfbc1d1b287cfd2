// Near copies among 60,000 images of 784 numbers: every row against every other.
import { nearDuplicates, nearShare, nearThreshold } from '../../src/influence/audit/duplicates.ts';
import { nearestNeighbours } from '../../src/influence/neighbours.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { choose, random } from '../../src/tensor/random.ts';
import type { Images } from './data.ts';

/** Rows that are replaced by a copy of another one with a little noise, of each strength. */
const planted = 100;

/** Standard deviations of the noise, as shares of the range of a pixel. */
const noises = [0.005, 0.01, 0.02, 0.03];

/** Shares of the median distance to the nearest row that could be the threshold. */
const shares = [0.1, nearShare, 0.2, 0.25, 0.3];

export async function duplicates({ x, y }: Images, runtime: Runtime, say: (line: string) => void): Promise<void> {
  const rows = x.shape[0];
  const columns = x.data.length / rows;
  const data = Float32Array.from(x.data);
  const source = random(1, 8);
  const chosen = choose(rows, 2 * planted * noises.length, source);
  const pairs = Array.from({ length: planted * noises.length }, (_, i) => [chosen[2 * i], chosen[2 * i + 1]]);
  for (const [i, [copy, from]] of pairs.entries())
    for (let j = 0; j < columns; j++)
      data[copy * columns + j] = data[from * columns + j] + noises[Math.floor(i / planted)] * source.normal();
  const before = process.cpuUsage();
  const content = { rows, columns, data };
  const near = await nearestNeighbours(runtime, content, content, 10, { exceptSelf: true });
  const hashes = Array.from({ length: rows }, (_, i) => String(i));
  const found = shares.map((share) => nearDuplicates(near, nearThreshold(near, share), hashes, y));
  const { user, system } = process.cpuUsage(before);
  say('\n## Near copies\n');
  say(
    `${rows.toLocaleString('en')} rows of ${columns} numbers, the ten nearest of each exactly, and the groups: ${((user + system) / 1e6).toFixed(0)} s of a processor, at most ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GB resident. Planted: ${planted} copies of other rows with noise of each strength, as a share of the range of a pixel.\n`,
  );
  say(
    `| threshold, of the median distance to the nearest | ${noises.map((noise) => `found, noise ${noise}`).join(' | ')} | other groups |`,
  );
  say(`|---|${noises.map(() => '---|').join('')}---|`);
  for (const [s, share] of shares.entries()) {
    const groupOf = new Map(found[s].flatMap(({ rows: members }, g) => members.map((row) => [row, g] as const)));
    const isFound = ([copy, from]: readonly number[]) => groupOf.has(copy) && groupOf.get(copy) === groupOf.get(from);
    const counts = noises.map((_, n) => pairs.slice(n * planted, (n + 1) * planted).filter(isFound).length);
    const ours = new Set(pairs.filter(isFound).map(([copy]) => groupOf.get(copy)));
    say(
      `| ${share}${share === nearShare ? ' (default)' : ''} | ${counts.join(' | ')} | ${found[s].length - ours.size} |`,
    );
  }
}
