import { extname } from 'node:path';
import type { Command } from 'commander';
import { writeAtomically, readBytes } from '../data/files.ts';
import { loadModel, type LoadedModel } from '../data/load-model.ts';
import { nearest } from '../data/nearest.ts';
import { readNpy } from '../data/npy.ts';
import { readNpz, writeNpz } from '../data/npz.ts';
import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import { WhereforeError } from '../errors.ts';
import { requiredInputs } from '../onnx/graph.ts';
import { checkFeeds } from '../runtime/executor.ts';
import { gradientsOf, oneHotSeed } from '../runtime/gradient.ts';
import { float32, formatShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { interruptible } from './failure.ts';
import { formatNumber, formatTable } from './table-text.ts';

interface Options {
  readonly input: readonly string[];
  readonly target: string;
  readonly wrt: readonly string[];
  readonly out: string;
  readonly threads?: number;
}

export function defineGradient(program: Command): void {
  program
    .command('gradient')
    .description('raw gradients of one output element (or of the sum of an output) as float32 tensors')
    .argument('<model>', 'an .onnx file')
    .requiredOption('--input <name=file...>', 'an input tensor: name=x.npy, or an .npz or .safetensors file with all of them')
    .requiredOption('--target <output[i,j]>', 'one element with all its axes, e.g. logits[0,3]; or an output, for the sum of its elements')
    .option('--wrt <names...>', '"input", "parameters", or names of values', ['input'])
    .requiredOption('--out <file>', '.npz or .safetensors')
    .option('--threads <count>', 'threads of the runtime', Number)
    .action((path: string, options: Options) => interruptible((signal) => run(path, options, signal)));
}

async function run(path: string, options: Options, signal: AbortSignal): Promise<void> {
  const write = writers[extname(options.out).toLowerCase()];
  if (!write) {
    throw new WhereforeError('invalid-argument', '--out', { got: options.out, expected: Object.keys(writers).join(' or ') });
  }
  const model = await loadModel(path, { threads: options.threads });
  try {
    const inputs = await readInputs(model, options.input);
    checkFeeds(model.graph, inputs);
    const { output, seed } = await parseSeed(model, options.target, inputs);
    const wrt = resolveNames(model, options.wrt);
    const { gradients, disconnected, notes } = await gradientsOf(model, { inputs, seeds: new Map([[output, seed]]), wrt, signal });
    await writeAtomically(options.out, write(gradients));
    const rows = [...gradients].map(([name, tensor]) => [name, formatShape(tensor.shape), formatNumber(norm(tensor)), disconnected.includes(name) ? 'zero: no path' : '']);
    console.log(formatTable([['value', 'shape', 'norm', ''], ...rows]));
    for (const note of notes) console.log(`note: ${note.operator} "${note.node}": ${note.text}`);
    console.log(`wrote ${options.out}`);
  } finally {
    await model.close();
  }
}

const writers: Readonly<Record<string, (tensors: ReadonlyMap<string, Tensor>) => Uint8Array>> = {
  '.npz': (tensors) => writeNpz(tensors),
  '.safetensors': (tensors) => writeSafetensors(tensors),
};

async function readInputs(model: LoadedModel, given: readonly string[]): Promise<Map<string, Tensor>> {
  const known = requiredInputs(model.graph).map(({ name }) => name);
  const tensors = new Map<string, Tensor>();
  for (const text of given) {
    const [, name, file = text] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    const bytes = await readBytes(file);
    const extension = extname(file).toLowerCase();
    if (extension === '.npy') tensors.set(name ?? known[0], readNpy(bytes, file));
    else if (extension === '.npz' || extension === '.safetensors') {
      const all = extension === '.npz' ? readNpz(bytes, file) : readSafetensors(bytes, file).tensors;
      for (const [key, tensor] of all) if (!name || key === name) tensors.set(key, tensor);
    } else throw new WhereforeError('invalid-argument', '--input', { got: file, expected: '.npy, .npz or .safetensors' });
  }
  for (const name of tensors.keys()) {
    if (known.includes(name)) continue;
    throw new WhereforeError('unknown-name', `the model has no input "${name}"`, { expected: known.map((input) => `"${input}"`).join(', ') });
  }
  return tensors;
}

async function parseSeed(model: LoadedModel, text: string, inputs: ReadonlyMap<string, Tensor>): Promise<{ output: string; seed: Tensor }> {
  const { facts } = await model.executor.specialise(model.graph, inputs);
  const element = facts.shapes.has(text) ? undefined : /^(.+)\[([-\d,\s]*)\]$/.exec(text);
  const output = element ? element[1] : text;
  const shape = facts.shapes.get(output);
  if (!shape) {
    const guess = nearest(output, facts.shapes.keys());
    throw new WhereforeError('unknown-name', `--target: there is no value "${output}"`, {
      expected: model.graph.outputs.map(({ name }) => `"${name}"`).join(', '),
      fix: guess ? `did you mean "${guess}"?` : undefined,
    });
  }
  if (!element) return { output, seed: float32(shape, new Float32Array(sizeOf(shape)).fill(1)) };
  const index = element[2].trim() === '' ? [] : element[2].split(',').map(Number);
  return { output, seed: oneHotSeed(shape, index) };
}

function resolveNames(model: LoadedModel, wanted: readonly string[]): string[] {
  const isFloat = (name: string) => model.types.get(name) === 'float32';
  const names = wanted.flatMap((text) => {
    if (text === 'input') return requiredInputs(model.graph).map(({ name }) => name).filter(isFloat);
    if (text === 'parameters') return [...model.source.graph.initializers.keys()].filter((name) => isFloat(name) && model.types.has(name));
    return [text];
  });
  if (names.length === 0) {
    throw new WhereforeError('invalid-argument', `--wrt ${wanted.join(' ')}: the model has no such float values`, {
      fix: 'name a value of floats, e.g. the output of the embedding; wherefore inspect lists them',
    });
  }
  return [...new Set(names)];
}

function norm({ data }: Tensor): number {
  let sum = 0;
  for (const value of data as Float32Array) sum += value * value;
  return Math.sqrt(sum);
}
