// Near copies among 60,000 images of 784 numbers: every row against every other.
import { nearDuplicates, nearShare, nearThreshold } from '../../src/influence/audit/duplicates.ts';
import { nearestNeighbours } from '../../src/influence/neighbours.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { choose, random } from '../../src/tensor/random.ts';
import type { Images } from './data.ts';

/** Rows that are replaced by a copy of another one with a little noise. */
const planted = 100;

export async function duplicates({ x, y }: Images, runtime: Runtime, say: (line: string) => void): Promise<void> {
  const rows = x.shape[0];
  const columns = x.data.length / rows;
  const data = Float32Array.from(x.data);
  const source = random(1, 8);
  const chosen = choose(rows, 2 * planted, source);
  for (let i = 0; i < planted; i++)
    for (let j = 0; j < columns; j++)
      data[chosen[2 * i] * columns + j] = data[chosen[2 * i + 1] * columns + j] + 0.02 * source.normal();
  const before = process.cpuUsage();
  const content = { rows, columns, data };
  const near = await nearestNeighbours(runtime, content, content, 10, { exceptSelf: true });
  const threshold = nearThreshold(near, nearShare);
  const hashes = Array.from({ length: rows }, (_, i) => String(i));
  const groups = nearDuplicates(near, threshold, hashes, y);
  const { user, system } = process.cpuUsage(before);
  const groupOf = new Map(groups.flatMap(({ rows: members }, g) => members.map((row) => [row, g] as const)));
  let found = 0;
  for (let i = 0; i < planted; i++) {
    const own = groupOf.get(chosen[2 * i]);
    if (own !== undefined && own === groupOf.get(chosen[2 * i + 1])) found++;
  }
  say('\n## Near copies\n');
  say(
    `${rows.toLocaleString('en')} rows of ${columns} numbers, the ten nearest of each exactly, and the groups: ${((user + system) / 1e6).toFixed(0)} s of a processor, at most ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GB resident. Of ${planted} planted copies with noise of 2 % of the range ${found} are found; ${groups.length} groups in all.`,
  );
}
