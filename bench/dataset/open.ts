// Opens the data set of the first argument and reads rows of it; prints what that took.
import { openDataset } from '../../src/data/datasets/open-dataset.ts';
import { batches } from '../../src/dataset/batches.ts';
import { subset } from '../../src/dataset/select.ts';
import { permutation, random } from '../../src/tensor/random.ts';

const [path, described] = process.argv.slice(2);
const began = performance.now();
const before = process.cpuUsage();
const dataset = await openDataset(path, JSON.parse(described));
const seconds = (performance.now() - began) / 1000;
const cpu = secondsOf(process.cpuUsage(before));
const megabytes = process.resourceUsage().maxRSS / 1000;

const count = Math.min(dataset.length, dataset.contents.kind === 'image' ? 2_000 : 200_000);
const inOrder = await rate(Uint32Array.from({ length: count }, (_, i) => i));
const atRandom = await rate(permutation(dataset.length, random(1)).slice(0, count));
process.stdout.write(JSON.stringify({ seconds, cpu, megabytes, inOrder, atRandom }));

async function rate(places: Uint32Array): Promise<number> {
  const start = process.cpuUsage();
  let rows = 0;
  for await (const { indices } of batches(subset(dataset, places), { size: 256 })) rows += indices.length;
  return rows / secondsOf(process.cpuUsage(start));
}

function secondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6;
}
