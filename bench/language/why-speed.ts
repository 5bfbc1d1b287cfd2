// "Why this answer" on a model of GPT-2 small's shape against the same loop in PyTorch, turn by turn, one thread each.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatTable } from '../../src/cli/table-text.ts';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { openEmbeddingProgram } from '../../src/language/why/embedding-program.ts';
import { gradientTimesEmbedding, integratedGradients } from '../../src/language/why/gradient-methods.ts';
import { openPrefixScorer } from '../../src/language/why/prefix-scorer.ts';
import { type Question, questionOf } from '../../src/language/why/question.ts';
import { openUnitGame } from '../../src/language/why/unit-game.ts';
import { leaveOneOut } from '../../src/language/why/unit-methods.ts';
import { unitsIn } from '../../src/language/why/why.ts';
import type { WhyDocument } from '../../src/language/why/why-document.ts';
import { random } from '../../src/tensor/random.ts';
import { weightsIn } from '../cases.ts';
import { type Comparison, difference, interleave, ratioText, type Spent, spent } from '../measure.ts';
import { Peer } from '../peer.ts';
import { writeGpt2 } from './gpt2.ts';

const [promptTokens, answerTokens] = [100, 20];
/** `<s>` and this many words less one are the prompt; every word is one token. */
const wordsFrom = (count: number, step: number) =>
  Array.from({ length: count }, (_, i) => `w${(i * step) % 5000}`).join(' ');
const prompt = wordsFrom(promptTokens - 1, 7919);
const answer = ` ${wordsFrom(answerTokens, 6007)}`;
/** Token that stands everywhere in the baseline. */
const baseline = 5;
/** What judging may read by the command: it is the same on both sides, and most of the work where it is not bounded. */
const budget = 3000;
const goal = 0.6;

/** Both sides add up float32 in another order. */
const tolerance = 2e-3;

const seconds = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(1));
const rowOf = (what: string, { wall, cpu }: Comparison, limit?: number) => [
  what,
  `${seconds(cpu.ours.median)} / ${seconds(cpu.theirs.median)}`,
  ratioText(cpu),
  ratioText(wall),
  limit === undefined ? '' : `≤ ${limit} ${cpu.ratio.median <= limit ? '✓' : '✗'}`,
];

interface SpeedOptions {
  readonly rounds: number;
  /** Which of the works, or `command`; default all. */
  readonly works: readonly string[];
  /** Folder of the model, made where it is not there yet; default a temporary one. */
  readonly models?: string;
}

export async function measureWhySpeed({ rounds, works, models }: SpeedOptions): Promise<void> {
  const folder = models ?? mkdtempSync(join(tmpdir(), 'wherefore-gpt2-'));
  const file = join(folder, 'model.onnx');
  if (!existsSync(file)) await writeGpt2(folder);
  const peer = await Peer.start(1, 'language/why_peer.py');
  const isAsked = (work: string) => works.length === 0 || works.includes(work);
  try {
    const load = { file, weights: weightsIn(file, readFileSync(file)), threads: 1 };
    const rows = [['what', 'seconds of a processor, ours / PyTorch', 'ratio', 'ratio, wall', 'goal']];
    const language = await openLanguageModel(folder, { threads: 1, memory: 4 * 2 ** 30 });
    const question = await questionOf(language, { prompt, answer });
    const asked = { prompt: question.encoded.ids, answer: question.answer.ids, baseline };
    await peer.ask({ do: 'load', net: 'gpt2', ...load });
    for (const lean of [false, true]) {
      await peer.ask({ do: 'prepare', ...asked, lean });
      rows.push(...(await inProcess(language, question, peer, { rounds, lean, isAsked })));
    }
    await language.close();
    if (isAsked('command'))
      rows.push(await wholeCommand(folder, { ...load, ...asked, lean: false }, Math.ceil(rounds / 2)));
    console.log(`${promptTokens} + ${answerTokens} tokens; ${peer.versions}; medians, quartiles in brackets`);
    console.log(formatTable(rows));
  } finally {
    peer.close();
    if (models === undefined) rmSync(folder, { recursive: true });
  }
}

interface InProcess {
  readonly rounds: number;
  readonly lean: boolean;
  readonly isAsked: (work: string) => boolean;
}

async function inProcess(language: LanguageModel, question: Question, peer: Peer, options: InProcess) {
  const { rounds, lean, isAsked } = options;
  const program = await openEmbeddingProgram(language, question, { memory: 4 * 2 ** 30 });
  const vector = await program.vectorsOf([baseline]);
  const vectors = new Float32Array(program.vectors.length);
  for (let at = 0; at < vectors.length; at += program.width) vectors.set(vector, at);
  const works: Readonly<Record<string, () => Promise<ArrayLike<number>>>> = {
    // What it has found is kept with the program, so each turn asks a new one.
    gradient: () => gradientTimesEmbedding({ ...program }),
    integrated: async () =>
      (await integratedGradients(program, { name: 'one token', vectors }, { points: 32, mostPoints: 32 })).values,
    ...(lean ? {} : { 'leave-one-out': () => leftOut(language, question) }),
  };
  const rows: string[][] = [];
  for (const [work, compute] of Object.entries(works)) {
    if (!isAsked(work)) continue;
    let found: ArrayLike<number> = [];
    const ours = () => spent(async () => (found = await compute()));
    const theirs = () => peer.ask<Spent>({ do: 'run', work });
    await ours();
    await theirs();
    const differs = difference(new Map([['tokens', found]]), await peer.ask({ do: 'digest' }));
    if (!(differs <= tolerance)) throw new Error(`${work}: the two sides differ by ${differs.toExponential(1)}`);
    const compared = await interleave(ours, theirs, { rounds: work === 'gradient' ? 3 * rounds : rounds, warmUp: 0 });
    const what = `${work}${lean ? ', PyTorch with the logits of the answer alone' : ''}`;
    rows.push(rowOf(what, compared, lean || work === 'leave-one-out' ? undefined : goal));
  }
  return rows;
}

async function leftOut(language: LanguageModel, question: Question): Promise<ArrayLike<number>> {
  const scorer = await openPrefixScorer(language, question);
  try {
    const game = await openUnitGame(scorer, unitsIn(question, 'token'));
    const before = { ...game.cost };
    const values = await leaveOneOut(game);
    const [calls, tokens] = [game.cost.calls - before.calls, game.cost.tokens - before.tokens];
    const anew = calls * (promptTokens - 2 + answerTokens);
    console.log(`leaving out each of ${calls} tokens: ${tokens} tokens read, ${anew} if each prompt were read anew`);
    return values;
  } finally {
    await scorer.close();
  }
}

/** The command from its start to its page, and a script of PyTorch that loads, takes the gradient and scores as many prompts. */
async function wholeCommand(folder: string, request: Readonly<Record<string, unknown>>, rounds: number) {
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  const command = [main, 'language', 'why', folder, '--prompt', prompt, '--answer', answer, '--method', 'gradient'];
  const options = ['--threads', '1', '--memory', '4096', '--budget', String(budget), '--out', join(folder, 'runs')];
  const ours = [process.execPath, ...command, ...options];
  const document = JSON.parse(execFileSync(ours[0], [...ours.slice(1), '--json'], { encoding: 'utf8' })) as WhyDocument;
  const path = join(folder, 'request.json');
  writeFileSync(path, JSON.stringify({ ...request, kept: judgedPrompts(document) }));
  const peer = fileURLToPath(new URL('../../../bench/language/why_peer.py', import.meta.url));
  const theirs = [process.env.WHEREFORE_PYTHON ?? 'python3', peer, path];
  const compared = await interleave(
    async () => spentBy(ours),
    async () => spentBy(theirs),
    { rounds, warmUp: 0 },
  );
  return rowOf('the whole command: gradient, judged, page', compared, goal);
}

/** Prompts with as many tokens left as those that the command judges by; which ones takes no other time. */
function judgedPrompts({ curves, control, unit, units, prompt: _ }: WhyDocument): number[][] {
  const source = random(1);
  const parts = units[unit].filter(({ special }) => !special);
  const stays = units[unit].filter(({ special }) => special).flatMap(({ tokens }) => tokens);
  const prompt = (gone: number): number[] => {
    const left = parts.map((part) => [source.uniform(), part] as const).sort(([a], [b]) => a - b);
    return [...stays, ...left.slice(gone).flatMap(([, { tokens }]) => tokens)].sort((a, b) => a - b);
  };
  const orders = curves.flatMap(({ deleted, range }) => (range ? [deleted, deleted] : [deleted])).flat();
  const halves = new Array<number>(control.sets).fill(Math.round(parts.length / 2));
  // The whole prompt and the empty one are of all orders, and are scored once.
  const between = orders.filter((gone) => gone > 0 && gone < parts.length);
  return [0, parts.length, ...between, ...halves].map(prompt);
}

/** Seconds of a command and of all that it starts, as the shell tells them. */
function spentBy(command: readonly string[]): Spent {
  const began = performance.now();
  const script = '"$@" > /dev/null && times';
  const told = execFileSync('/bin/sh', ['-c', script, 'sh', ...command], { encoding: 'utf8' });
  const wall = (performance.now() - began) / 1000;
  const times = [
    ...told
      .trim()
      .split('\n')
      .slice(-1)[0]
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  return { wall, cpu: times.reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0) };
}
