import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attribute } from '../src/attribution/attribute.ts';
import { loadModel } from '../src/data/model/load-model.ts';
import { decodeModel } from '../src/onnx/decode.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { gradientsOf } from '../src/runtime/gradient.ts';
import { createNodeRuntime, type Isolation } from '../src/runtime/node.ts';
import { float32, int64, sizeOf, type Tensor } from '../src/tensor/tensor.ts';
import { openTrainingStep } from '../src/train/step.ts';
import { gpt2Sizes, type NetName, nets } from './nets.ts';

/** What is computed: the gradient of one output element to the input or to all parameters, a training step, a path, or Grad-CAM. */
export type Work = 'input' | 'embedding' | 'parameters' | 'train' | 'path' | 'grad-cam';

/** One line of the table. */
export interface Case {
  readonly key: string;
  readonly title: string;
  readonly net: NetName;
  readonly batch: number;
  readonly work: Work;
  /** The ratio ours / PyTorch that we want to stay below. */
  readonly limit: number;
  readonly rounds: number;
  /** Where the model runs; default `process`, as for files of others. */
  readonly isolation?: Isolation;
  /** Of a path. */
  readonly steps?: number;
  /** Steps of a path that PyTorch takes at once. */
  readonly pathBatch?: number;
}

/** The fastest of 1, 2, 5, 10 and 25 steps at once on two cores. */
const fastestPathBatch = 5;

/**
 * Gradients of all parameters, where the model runs in the program's own process as PyTorch does, and where it runs in
 * another: all of them (47 MB of ResNet-18, 498 MB of GPT-2) are then brought over.
 */
function parameterCases(one: Omit<Case, 'work'>): Case[] {
  const { key, title } = one;
  return [
    { ...one, work: 'parameters', isolation: 'thread', title: `${title}, in the same process` },
    { ...one, work: 'parameters', key: `${key}-process`, title: `${title}, from a process of their own` },
  ];
}

export const cases: readonly Case[] = [
  {
    key: 'resnet-input-1',
    title: 'ResNet-18, batch 1: forward + input gradient',
    net: 'resnet18',
    batch: 1,
    work: 'input',
    limit: 0.65,
    rounds: 21,
  },
  {
    key: 'resnet-input-8',
    title: 'ResNet-18, batch 8: forward + input gradient',
    net: 'resnet18',
    batch: 8,
    work: 'input',
    limit: 0.85,
    rounds: 11,
  },
  {
    key: 'gpt2-embedding',
    title: 'GPT-2 small, 128 tokens: forward + gradient to the embedding',
    net: 'gpt2',
    batch: 1,
    work: 'embedding',
    limit: 0.95,
    rounds: 11,
  },
  ...parameterCases({
    key: 'resnet-parameters-1',
    title: 'ResNet-18, batch 1: all parameter gradients',
    net: 'resnet18',
    batch: 1,
    limit: 1,
    rounds: 15,
  }),
  ...parameterCases({
    key: 'resnet-parameters-8',
    title: 'ResNet-18, batch 8: all parameter gradients',
    net: 'resnet18',
    batch: 8,
    limit: 1,
    rounds: 11,
  }),
  ...parameterCases({
    key: 'gpt2-parameters',
    title: 'GPT-2 small, 128 tokens: all parameter gradients',
    net: 'gpt2',
    batch: 1,
    limit: 1,
    rounds: 9,
  }),
  {
    key: 'cnn-training',
    title: 'small CNN, batch 64: training step, SGD with momentum',
    net: 'smallCnn',
    batch: 64,
    work: 'train',
    limit: 1.1,
    rounds: 21,
  },
  {
    key: 'integrated-gradients',
    title: 'ResNet-18: integrated gradients, 50 steps, PyTorch in a loop over the steps',
    net: 'resnet18',
    batch: 1,
    work: 'path',
    limit: 0.8,
    rounds: 5,
    steps: 50,
    pathBatch: 1,
  },
  {
    key: 'integrated-gradients-batched',
    title: `ResNet-18: integrated gradients, 50 steps, PyTorch in batches of ${fastestPathBatch} (its fastest)`,
    net: 'resnet18',
    batch: 1,
    work: 'path',
    limit: 0.8,
    rounds: 5,
    steps: 50,
    pathBatch: fastestPathBatch,
  },
  {
    key: 'grad-cam',
    title: 'ResNet-18: Grad-CAM at the last stage (PyTorch: gradient to that layer only)',
    net: 'resnet18',
    batch: 1,
    work: 'grad-cam',
    limit: 0.8,
    rounds: 101,
  },
];

/** A case ready to run on our side, and what the other side needs to do the same. */
export interface Opened {
  readonly load: Readonly<Record<string, unknown>>;
  readonly prepare: Readonly<Record<string, unknown>>;
  run(): Promise<void>;
  /** Results of the last run. */
  results(): ReadonlyMap<string, ArrayLike<number>>;
  close(): Promise<void>;
}

/** The element of the logits that is differentiated. */
const element = 281;
const learningRate = 0.01;
/** Bytes that a run may hold: all gradients of GPT-2 take 3.4 GiB, more than the default where other work is done. */
const memory = 8 * 2 ** 30;

/** Element i is sin(i); token i is 7919·i mod vocabulary. `peer.py` has the same formula. */
function inputOf(net: NetName, batch: number): { name: string; tensor: Tensor } {
  if (net === 'gpt2') {
    const shape = [batch, gpt2Sizes.positions];
    return {
      name: 'ids',
      tensor: int64(
        shape,
        Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7919) % gpt2Sizes.vocabulary),
      ),
    };
  }
  const size = net === 'resnet18' ? 224 : 32;
  const shape = [batch, 3, size, size];
  return {
    name: 'x',
    tensor: float32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i)),
    ),
  };
}

/** Builds the network, writes it to a temporary file that both sides read, and opens it on our side. */
export async function open(
  { net, batch, work, isolation, steps = 1, pathBatch = 1 }: Case,
  threads: number,
): Promise<Opened> {
  const { model, parameters } = nets[net](batch);
  const folder = mkdtempSync(join(tmpdir(), 'wherefore-bench-'));
  const file = join(folder, `${net}.onnx`);
  const bytes = encodeModel(model);
  writeFileSync(file, bytes);
  const { name, tensor } = inputOf(net, batch);
  const load = { do: 'load', net, file, weights: weightsIn(file, bytes), threads };
  const request = { do: 'prepare', work, kind: net === 'gpt2' ? 'tokens' : 'sine', shape: tensor.shape, element };
  const logits = (model.graph.outputs[0].shape ?? []) as number[];
  const given = { file, input: new Map([[name, tensor]]), parameters, batch, steps, threads, logits, isolation };
  const runner = await runnerOf(work, given);
  return {
    load,
    prepare: {
      ...request,
      steps,
      batch: pathBatch,
      rate: learningRate,
      parameters: work === 'parameters' || work === 'train' ? parameters : [],
    },
    run: runner.run,
    results: runner.results,
    close: async () => {
      await runner.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Byte offset and shape of every weight of the file. */
export function weightsIn(file: string, bytes: Uint8Array): Record<string, [offset: number, shape: readonly number[]]> {
  const { initializers } = decodeModel(bytes, { fileName: file }).graph;
  return Object.fromEntries(
    [...initializers.values()].flatMap(({ name, type, shape, origin }) =>
      origin && type === 'float32' ? [[name, [origin.offset, shape]]] : [],
    ),
  );
}

interface Given {
  readonly file: string;
  readonly input: ReadonlyMap<string, Tensor>;
  readonly parameters: readonly string[];
  readonly batch: number;
  readonly steps: number;
  readonly threads: number;
  readonly isolation: Isolation | undefined;
  /** Shape of the output. */
  readonly logits: readonly number[];
}

type Runner = Pick<Opened, 'run' | 'results' | 'close'>;

function runnerOf(work: Work, given: Given): Promise<Runner> {
  if (work === 'train') return training(given);
  if (work === 'grad-cam') return gradCam(given);
  return work === 'path' ? integration(given) : gradients(work, given);
}

async function gradients(
  work: 'input' | 'embedding' | 'parameters',
  { file, input, parameters, threads, logits, isolation }: Given,
): Promise<Runner> {
  const model = await loadModel(file, { threads, memory, isolation });
  const wrt = work === 'parameters' ? parameters : work === 'embedding' ? ['embedding'] : [...input.keys()];
  const seed = new Float32Array(sizeOf(logits));
  for (let i = 0; i < logits[0]; i++) seed[i * (seed.length / logits[0]) + element] = 1;
  const seeds = new Map([['logits', float32(logits, seed)]]);
  let latest = new Map<string, ArrayLike<number>>();
  return {
    run: async () => {
      const result = await gradientsOf(model, { inputs: input, seeds, wrt });
      latest = new Map([...result.gradients].map(([name, { data }]) => [work === 'parameters' ? name : 'input', data]));
    },
    results: () => latest,
    close: () => model.close(),
  };
}

async function training({ file, input, parameters, batch, threads }: Given): Promise<Runner> {
  const runtime = createNodeRuntime({ threads });
  const samples = {
    inputs: input,
    targets: int64(
      [batch],
      Array.from({ length: batch }, (_, i) => i % 10),
    ),
    weights: new Float32Array(batch).fill(1),
  };
  const options = { model: decodeModel(readFileSync(file)), runtime, trainable: parameters };
  const step = await openTrainingStep(
    { ...options, loss: { kind: 'cross-entropy' }, optimizer: { kind: 'sgd', momentum: 0.9 } },
    samples,
  );
  let count = 0;
  let loss = Number.NaN;
  return {
    run: async () => {
      ({ loss } = await step.run(samples, ++count, learningRate));
    },
    results: () => new Map([['loss', [loss]]]),
    close: async () => {
      await step.close();
      await runtime.close();
    },
  };
}

async function integration({ file, input, steps, threads }: Given): Promise<Runner> {
  const model = await loadModel(file, { threads, memory });
  let latest: ArrayLike<number> = [];
  return {
    run: async () => {
      const { values } = await attribute(model, {
        inputs: input,
        target: { kind: 'classLogit', class: element },
        baseline: { kind: 'zero' },
        method: 'integrated-gradients',
        parameters: { steps, nodes: 'even', tolerance: 0 },
      });
      latest = values.get('x')?.data ?? [];
    },
    results: () => new Map([['input', latest]]),
    close: () => model.close(),
  };
}

async function gradCam({ file, input, threads }: Given): Promise<Runner> {
  const model = await loadModel(file, { threads, memory });
  // The input of the global pooling: the output of the last stage.
  const last = model.graph.nodes.find(({ op }) => op === 'GlobalAveragePool')?.inputs[0];
  if (!last) throw new Error('the network has no global pooling');
  let latest: ArrayLike<number> = [];
  return {
    run: async () => {
      const { values } = await attribute(model, {
        inputs: input,
        target: { kind: 'classLogit', class: element },
        method: 'grad-cam',
        layer: { names: [last] },
      });
      latest = values.get(last)?.data ?? [];
    },
    results: () => new Map([['map', latest]]),
    close: () => model.close(),
  };
}
