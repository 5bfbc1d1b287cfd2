// KernelSHAP against the Python package `shap`, turn by turn: `npm run bench:shap`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type AttributionRequest, attribute } from '../src/attribution/attribute.ts';
import { readTokenizer } from '../src/data/inputs/tokenizer-file.ts';
import { loadModel } from '../src/data/model/load-model.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { random } from '../src/tensor/random.ts';
import { float32, int64, sizeOf } from '../src/tensor/tensor.ts';
import { interleave, ratioText, type Spent, spent } from './measure.ts';

/** Coalitions that `shap` takes by default: 2 M + 2048 for M features. */
const defaultSamples = (features: number) => 2 * features + 2048;
const rounds = Number(process.env.ROUNDS ?? 15);
const threads = 2;
/** Threads of NumPy spin for a tenth of a second after an answer, on a processor and more. */
const rest = 150;

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'wherefore-shap-'));
const python = spawn(process.env.WHEREFORE_PYTHON ?? 'python3', [join(root, 'bench/shap_peer.py')], {
  env: { ...process.env, OMP_NUM_THREADS: String(threads) },
});
python.stderr.pipe(process.stderr);
python.on('error', (error) => {
  throw new Error(`no Python with shap and onnxruntime: name one in WHEREFORE_PYTHON (${error.message})`);
});
const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();

async function answer<T>(): Promise<T> {
  const line = await answers.next();
  if (line.done) throw new Error('the Python process ended: are shap and onnxruntime installed there?');
  return JSON.parse(line.value) as T;
}

function ask<T>(request: Readonly<Record<string, unknown>>): Promise<T> {
  python.stdin.write(`${JSON.stringify(request)}\n`);
  return answer<T>();
}

interface Case {
  readonly title: string;
  readonly model: string;
  readonly request: Omit<AttributionRequest, 'method' | 'parameters'>;
  readonly features: number;
  readonly peer: Readonly<Record<string, unknown>>;
}

/** 30 columns, two hidden layers of 64, 100 rows of background; random weights. */
async function tableCase(): Promise<Case> {
  const source = random(7);
  const normal = (shape: readonly number[], deviation: number) =>
    float32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => deviation * source.normal()),
    );
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['N', 30] as never);
  let value = 'x';
  let width = 30;
  for (const size of [64, 64]) {
    value = builder.op('MatMul', [value, builder.constant(normal([width, size], Math.sqrt(2 / width)))]);
    value = builder.op('Relu', [value]);
    width = size;
  }
  builder.op('MatMul', [value, builder.constant(normal([width, 1], 1))], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['N', 1] as never);
  const model = join(folder, 'table.onnx');
  const opsets = new Map([['', 20]]);
  const whole = { irVersion: 9, producer: 'bench', opsets, graph: builder.build(), functions: [], metadata: new Map() };
  await writeFile(model, encodeModel(whole));
  const row = normal([1, 30], 1);
  const background = normal([100, 30], 1);
  return {
    title: 'a table of 30 columns, 100 rows of background, a network of two layers',
    model,
    features: 30,
    request: {
      inputs: new Map([['x', row]]),
      target: { kind: 'output', index: [0] },
      baseline: { kind: 'sample', tensors: new Map([['x', background]]), description: '100 rows' },
    },
    peer: { tokens: false, row: [...row.data], background: [...background.data] },
  };
}

const story =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high. Lily asked her mom';

/** 50 tokens of a real language model: which words make it say the next one? */
async function tokensCase(): Promise<Case | undefined> {
  const place = join(root, '../shared/data/stories260k');
  if (!existsSync(place)) return undefined;
  const tokenizer = await readTokenizer(join(place, 'tokenizer.json'));
  const ids = tokenizer.encode(story).ids.slice(0, 50);
  if (ids.length !== 50) throw new Error(`the story has ${ids.length} tokens, not 50`);
  const token = tokenizer.encode('She').ids[1];
  const tensor = int64([1, 50], ids);
  return {
    title: '50 tokens, a language model of 260,000 parameters',
    model: join(place, 'stories260k.onnx'),
    features: 50,
    request: {
      inputs: new Map([
        ['input_ids', tensor],
        ['attention_mask', int64([1, 50], new BigInt64Array(50).fill(1n))],
      ]),
      target: { kind: 'tokenLogProbability', position: -1, id: token },
      baseline: { kind: 'tokens', id: 0 },
      explained: ['input_ids'],
    },
    peer: { tokens: true, token, row: ids, background: new Array(50).fill(0) },
  };
}

/** `‖a − b‖ / ‖b‖`. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [wrong, whole] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    wrong += (a[i] - b[i]) ** 2;
    whole += b[i] ** 2;
  }
  return Math.sqrt(wrong / whole);
}

async function compare({ title, model: path, request, features, peer }: Case): Promise<void> {
  const model = await loadModel(path, { threads });
  const shares = async (samples: number, seed: number) => {
    const result = await attribute(model, { ...request, method: 'kernel-shap', parameters: { samples, seed } });
    return [...result.values.values()][0].data;
  };
  const usual = defaultSamples(features);
  // What both sides estimate: many times more coalitions, with another seed.
  const truth = await shares(8 * usual, 99);
  await ask({ do: 'load', model: path, threads, samples: usual, ...peer });
  const theirs = await ask<{ values: number[] }>({ do: 'run' }).then(() => ask<{ values: number[] }>({ do: 'run' }));
  console.log(
    `\n${title}; shap takes ${usual} coalitions, off by ${(100 * distance(theirs.values, truth)).toFixed(1)} %`,
  );
  for (const samples of [usual, Math.round(usual / 2), Math.round(usual / 4)]) {
    const ours = await shares(samples, 1);
    const result = await interleave(
      () => spent(() => shares(samples, 1)),
      () => ask<Spent>({ do: 'run' }),
      { rounds, warmUp: 3, rest },
    );
    const { wall, cpu } = result;
    console.log(
      `  ${String(samples).padStart(5)} coalitions, off by ${(100 * distance(ours, truth)).toFixed(1)} %: ${wall.ours.median.toFixed(3)} s against ${wall.theirs.median.toFixed(3)} s, ratio ${ratioText(wall)}; of processor time ${cpu.ours.median.toFixed(3)} s against ${cpu.theirs.median.toFixed(3)} s, ratio ${ratioText(cpu)}`,
    );
  }
  await model.close();
}

try {
  const versions = await answer<Record<string, string>>();
  console.log(
    `shap ${versions.shap}, onnxruntime ${versions.onnxruntime}, Python ${versions.python}; ${threads} threads each`,
  );
  await compare(await tableCase());
  const tokens = await tokensCase();
  if (tokens) await compare(tokens);
  else
    console.log('\n50 tokens: skipped, the language model is not beside the repository (../shared/data/stories260k)');
} finally {
  python.stdin.end();
  await rm(folder, { recursive: true });
}
