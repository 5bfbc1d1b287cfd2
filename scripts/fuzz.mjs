// Damaged files: mutants of the fixtures, read by the built package in child processes. `npm run fuzz` makes 2,000 of them;
// `npm run fuzz -- --count 20000 --seed 7` more, others; `--seconds 60` begins no further hundred after that time;
// `--state fuzz.json` keeps what was done there, and a run that was stopped goes on; `--patience 200` waits longer on a
// machine that is busy.
// A file may be refused with a WhereforeError or be read; a crash, a hang or another exception
// is a fault. Prints the faults, each with the seed that makes it again, and the totals.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chances } from './fuzz/random.mjs';

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: 'Infinity' },
    from: { type: 'string', default: '0' },
    kind: { type: 'string' },
    state: { type: 'string' },
    patience: { type: 'string', default: '20' },
    child: { type: 'boolean', default: false },
  },
});
const seed = Number(options.seed);
const count = Number(options.count);
const first = Number(options.from);

/** Cases of one child process, and seconds for one case; a late one is read once more alone, with three times as many. */
const batch = 250;
const patience = Number(options.patience);
/** Seconds for a process to begin, on a busy machine. */
const startPatience = 600;

async function child() {
  const { WhereforeError } = await import(new URL('../dist/index.js', import.meta.url).href);
  const { data, models, oneCase } = await import('./fuzz/kinds.mjs');
  const only = [models, ...data].find(({ kind }) => kind === options.kind);
  if (options.kind && !only) throw new Error(`kinds: ${[models, ...data].map(({ kind }) => kind).join(', ')}`);
  for (let i = first; i < first + count; i++) {
    const chance = chances(seed * 1_000_003 + i);
    const kind = only ?? (i % 2 === 0 ? models : chance.pick(data));
    console.log(JSON.stringify({ begun: i, kind: kind.kind }));
    let outcome = 'read';
    try {
      await oneCase(kind, i, chance);
    } catch (/** @type {any} */ error) {
      outcome =
        error instanceof WhereforeError && error.code !== 'internal'
          ? error.code
          : `foreign: ${error instanceof Error ? error.stack : error}`;
    }
    console.log(JSON.stringify({ ended: i, outcome }));
  }
  process.exit(0);
}

/**
 * Runs cases from one on in a process; tells each outcome; returns the first case that is still to do.
 * @param {number} from
 * @param {number} most
 * @param {(kind: string, number: number, outcome: string) => void} tell
 * @param {number} [seconds]
 * @returns {Promise<number>}
 */
function runBatch(from, most, tell, seconds = patience) {
  return new Promise((resolve) => {
    const words = ['--child', '--seed', String(seed), '--from', String(from), '--count', String(most)];
    if (options.kind) words.push('--kind', options.kind);
    const worker = spawn(process.execPath, [fileURLToPath(import.meta.url), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    /** @type {{ begun: number, kind: string } | undefined} */
    let open;
    let next = from;
    let hung = false;
    /** @type {NodeJS.Timeout | undefined} */
    let clock;
    const watch = (limit = seconds) => {
      clearTimeout(clock);
      clock = setTimeout(() => {
        hung = true;
        worker.kill('SIGKILL');
      }, limit * 1000);
    };
    watch(startPatience);
    createInterface({ input: worker.stdout }).on('line', (line) => {
      watch();
      const said = JSON.parse(line);
      if (said.begun !== undefined) open = said;
      else {
        tell(open?.kind ?? '', said.ended, said.outcome);
        next = said.ended + 1;
        open = undefined;
      }
    });
    worker.on('close', (code, signal) => {
      clearTimeout(clock);
      if (open) {
        tell(open.kind, open.begun, hung ? 'hang' : `crash: ${signal ?? code}`);
        next = open.begun + 1;
      } else if (next === from) throw new Error(`the process that reads the files did not start (${signal ?? code})`);
      resolve(next);
    });
  });
}

/** What was done so far. @typedef {{ next: number, totals: Record<string, number>, faults: number }} State */

/** @returns {State} */
function stateSoFar() {
  const fresh = { next: first, totals: {}, faults: 0 };
  if (!options.state || !existsSync(options.state)) return fresh;
  const kept = JSON.parse(readFileSync(options.state, 'utf8'));
  const asked = JSON.stringify([seed, first, options.kind]);
  if (kept.asked !== asked) throw new Error(`${options.state} is of another seed, beginning or kind`);
  return kept;
}

/** @param {State} state */
function keep(state) {
  if (!options.state) return;
  writeFileSync(
    `${options.state}.part`,
    JSON.stringify({ asked: JSON.stringify([seed, first, options.kind]), ...state }),
  );
  renameSync(`${options.state}.part`, options.state);
}

async function parent() {
  const state = stateSoFar();
  /** @param {string} kind @param {number} number @param {string} outcome */
  const tell = (kind, number, outcome) => {
    const isFault = /^(hang|crash|foreign)/.test(outcome);
    const key = `${kind} ${isFault ? outcome.split(':')[0] : outcome === 'read' ? 'read' : 'refused'}`;
    state.totals[key] = (state.totals[key] ?? 0) + 1;
    if (!isFault) return;
    state.faults++;
    const of = options.kind ? ` --kind "${options.kind}"` : '';
    console.log(`FAULT ${kind} --seed ${seed} --from ${number} --count 1${of}: ${outcome.slice(0, 2000)}`);
  };
  const end = performance.now() + Number(options.seconds) * 1000;
  const size = Number.isFinite(end) ? 100 : batch;
  while (state.next < first + count && performance.now() < end) {
    /** @type {number[]} */
    const late = [];
    state.next = await runBatch(state.next, Math.min(size, first + count - state.next), (kind, number, outcome) =>
      outcome === 'hang' ? late.push(number) : tell(kind, number, outcome),
    );
    // A busy machine may have been at something else.
    for (const number of late) await runBatch(number, 1, tell, 3 * patience);
    keep(state);
  }
  for (const key of Object.keys(state.totals).sort()) console.log(`${key}: ${state.totals[key]}`);
  console.log(`${state.next - first} files, ${state.faults} faults`);
  process.exitCode = state.faults ? 1 : 0;
}

await (options.child ? child() : parent());
