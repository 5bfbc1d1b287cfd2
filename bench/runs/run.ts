// Runs in shards: 2,000 inputs killed at random moments, and workers beside each other. `npm run bench:runs -- [inputs]`
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { startRedis } from '../../test/redis-server.ts';
import { filesBelow, runBits } from '../../test/run-bits.ts';

const count = Number(process.argv[2] ?? 2000);
const kills = 20;
/** Inputs that two workers and one are compared on. */
const few = Math.min(count, 400);
const root = mkdtempSync(join(tmpdir(), 'wherefore-bench-runs-'));
const [inputs, fewInputs] = [join(root, 'inputs'), join(root, 'few')];
const model = 'examples/demo/model/shapes.onnx';
const of = (folder: string) => ['explain', folder, '--model', model, '--method', 'integrated-gradients'];
const explain = of(inputs);

const start = (words: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['dist/cli/main.js', ...words], { stdio: 'ignore', detached: true });
const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on('exit', resolve));
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const killGroup = (child: ChildProcess) => process.kill(-(child.pid as number), 'SIGKILL');

/** Variants of the demo's images: shifted, lighter, darker. */
async function makeInputs(): Promise<void> {
  for (const folder of [inputs, fewInputs]) mkdirSync(folder);
  const folder = 'examples/demo/images';
  const names = readdirSync(folder).filter((name) => name.endsWith('.png'));
  for (let i = 0; i < count; i++) {
    const image = sharp(join(folder, names[i % names.length]));
    const brightness = 0.75 + (0.5 * (i % 97)) / 97;
    const name = `${String(i).padStart(5, '0')}.png`;
    await image.modulate({ brightness }).toFile(join(inputs, name));
    if (i < few) cpSync(join(inputs, name), join(fewInputs, name));
  }
}

const doneIn = (out: string): number =>
  existsSync(out) ? filesBelow(out).filter((name) => /\d{6}\.json$/.test(name)).length : 0;

/** Memory of all processes of a group in MiB, where the system tells. */
function groupMemory(group: number): number {
  let pages = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, '').trim().split(' ');
      if (Number(fields[2]) === group) pages += Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return pages / 256;
}

async function undisturbed(out: string): Promise<{ seconds: number; first: number; last: number }> {
  const began = performance.now();
  const child = start([...explain, '--out', out]);
  const over = ended(child);
  const memory: number[] = [];
  while (child.exitCode === null && child.signalCode === null) {
    if (doneIn(out) > 0) memory.push(groupMemory(child.pid as number));
    await Promise.race([over, pause(500)]);
  }
  const quarter = Math.ceil(memory.length / 4);
  const most = (part: readonly number[]) => part.reduce((a, b) => Math.max(a, b), 0);
  const seconds = (performance.now() - began) / 1000;
  return { seconds, first: most(memory.slice(0, quarter)), last: most(memory.slice(-quarter)) };
}

async function killed(out: string, shards: number): Promise<void> {
  let drawn = 1;
  for (let i = 0; i < kills; i++) {
    drawn = (drawn * 48271) % 2147483647;
    const child = start([...explain, '--out', out]);
    const over = ended(child);
    // A random share of the time that a twentieth of the shards takes, after the first new one.
    const before = doneIn(out);
    while (doneIn(out) === before && before < shards && child.exitCode === null) await pause(20);
    await pause((drawn / 2147483647) * 2000);
    if (child.exitCode === null) killGroup(child);
    await over;
    console.log(`killed ${i + 1} times: ${doneIn(out)} of ${shards} shards`);
  }
  await ended(start([...explain, '--out', out]));
}

/** Shards a second by so many workers of one thread, from the first shard to the last. */
async function workersRate(number: number): Promise<number> {
  const redis = await startRedis();
  const workers = Array.from({ length: number }, () => start(['worker', redis.url]));
  const out = join(root, `workers-${number}`);
  const over = ended(start([...of(fewInputs), '--out', out, '--queue', redis.url]));
  while (doneIn(out) < number) await pause(10);
  const [began, before] = [performance.now(), doneIn(out)];
  await over;
  const rate = (doneIn(out) - before) / ((performance.now() - began) / 1000);
  for (const worker of workers) killGroup(worker);
  redis.remove();
  return rate;
}

try {
  await makeInputs();
  const alone = join(root, 'alone');
  const { seconds, first, last } = await undisturbed(alone);
  const [id] = readdirSync(alone);
  const shards = doneIn(alone);
  console.log(
    `${count} inputs in ${seconds.toFixed(0)} s; memory at most ${first.toFixed(0)} MiB in the first quarter, ${last.toFixed(0)} MiB in the last`,
  );
  const out = join(root, 'killed');
  await killed(out, shards);
  const same = JSON.stringify(runBits(join(out, id))) === JSON.stringify(runBits(join(alone, id)));
  const left = filesBelow(join(out, id)).filter((name) => !filesBelow(join(alone, id)).includes(name));
  console.log(
    `after ${kills} kills: ${same ? 'the same bits' : 'OTHER BITS'}, left over: ${left.join(', ') || 'nothing'}`,
  );
  const [one, two] = [await workersRate(1), await workersRate(2)];
  console.log(`workers: one ${one.toFixed(2)} shards a second, two ${two.toFixed(2)}: ${(two / one).toFixed(2)} times`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
