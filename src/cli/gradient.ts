import { dirname, extname } from 'node:path';
import type { Command } from 'commander';
import { writeAtomically } from '../data/files/files.ts';
import { writeNpz } from '../data/formats/npz.ts';
import { writeSafetensors } from '../data/formats/safetensors.ts';
import { readNamedTensor } from '../data/inputs/named-tensor.ts';
import { readModelInputs, refuseNamedFile } from '../data/inputs/read-model-input.ts';
import { isNamed, tensorInput } from '../data/inputs/tensor-input.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import { unknownName } from '../nearest.ts';
import { requiredInputs } from '../onnx/graph.ts';
import { checkFeeds } from '../runtime/executor.ts';
import { floatInputs } from '../runtime/float-inputs.ts';
import { gradientsOf, oneHotSeed } from '../runtime/gradient.ts';
import { float32, formatShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { interruptible } from './failure.ts';
import { type RuntimeOptions, repeated, runtimeOf, withPreprocessing, withRuntime } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { formatNumber, formatTable } from './table-text.ts';
import { print } from './terminal.ts';

interface Options extends RuntimeOptions {
  readonly input: readonly string[];
  readonly target: string;
  readonly wrt: readonly string[];
  readonly preprocessing?: string;
  readonly out: string;
}

export function defineGradient(program: Command): void {
  const command = program
    .command('gradient')
    .description('raw gradients of one output element (or of the sum of an output) as float32 tensors')
    .argument('<model>', 'an .onnx file')
    .requiredOption(
      '--input <name=file>',
      'an input: name=x.npy or name=[numbers], repeated for each; or one file with all of them (.npz, .safetensors, an image, table.csv#row)',
      repeated,
    )
    .requiredOption(
      '--target <output[i,j]>',
      'one element with all its axes, e.g. logits[0,3]; or an output, for the sum of its elements',
    )
    .option('--wrt <names...>', '"input", "parameters", or names of values', ['input']);
  withRuntime(withPreprocessing(command).requiredOption('--out <file>', '.npz or .safetensors')).action(
    (path: string, options: Options) => interruptible((signal) => run(path, options, signal)),
  );
}

async function run(path: string, options: Options, signal: AbortSignal): Promise<void> {
  const write = writers[extname(options.out).toLowerCase()];
  if (!write) {
    throw new WhereforeError('invalid-argument', '--out', {
      got: options.out,
      expected: Object.keys(writers).join(' or '),
    });
  }
  await checkWritable(dirname(options.out));
  const model = await loadModel(path, { ...runtimeOf(options), preprocessing: options.preprocessing });
  try {
    const inputs = await readInputs(model, options.input);
    checkFeeds(model.graph, inputs);
    const { output, seed } = await parseSeed(model, options.target, inputs);
    const wrt = resolveNames(model, options.wrt);
    const { gradients, disconnected, notes } = await gradientsOf(model, {
      inputs,
      seeds: new Map([[output, seed]]),
      wrt,
      signal,
    });
    await writeAtomically(options.out, write(gradients));
    const rows = [...gradients].map(([name, tensor]) => [
      name,
      formatShape(tensor.shape),
      formatNumber(norm(tensor)),
      disconnected.includes(name) ? 'zero: no path' : '',
    ]);
    print(formatTable([['value', 'shape', 'norm', ''], ...rows]));
    for (const { code, text } of model.notes)
      if (code === 'precision-changed' || code === 'random') print(`note: ${text}`);
    // What says where a gradient is cut off names the node itself.
    for (const { code, operator, node, text } of notes)
      print(`note: ${code === 'zero-gradient' ? text : `${operator} "${node}": ${text}`}`);
    print(`wrote ${options.out}`);
  } finally {
    await model.close();
  }
}

const writers: Readonly<Record<string, (tensors: ReadonlyMap<string, Tensor>) => Uint8Array>> = {
  '.npz': (tensors) => writeNpz(tensors),
  '.safetensors': (tensors) => writeSafetensors(tensors),
};

/** One source that `explain` takes as well, or several tensors by name; of any batch. */
async function readInputs(model: LoadedModel, given: readonly string[]): Promise<ReadonlyMap<string, Tensor>> {
  const preprocessing = preprocessingOf(model, {});
  if (given.length === 1 && !isNamed(given[0])) {
    const inputs = await readModelInputs(model, given[0], preprocessing, { anyBatch: true });
    if (inputs.length === 1) return inputs[0].tensors;
    throw new WhereforeError('invalid-argument', '--input', { got: `${inputs.length} rows`, expected: 'one row' });
  }
  const tensors = new Map<string, Tensor>();
  for (const text of given) {
    if (!isNamed(text)) {
      refuseNamedFile(model, text);
      throw new WhereforeError('invalid-argument', '--input', {
        got: text,
        expected: 'name=x.npy or name=[numbers] for each of several inputs',
      });
    }
    const [name, tensor] = await readNamedTensor(model, text);
    tensors.set(name, tensor);
  }
  return tensorInput(model, tensors, given.join(' '), undefined, preprocessing, { anyBatch: true }).tensors;
}

async function parseSeed(
  model: LoadedModel,
  text: string,
  inputs: ReadonlyMap<string, Tensor>,
): Promise<{ output: string; seed: Tensor }> {
  const { facts } = await model.executor.specialise(model.graph, inputs);
  const element = facts.shapes.has(text) ? undefined : /^(.+)\[([-\d,\s]*)\]$/.exec(text);
  const output = element ? element[1] : text;
  const shape = facts.shapes.get(output);
  if (!shape) {
    throw unknownName('--target: there is no value', output, facts.shapes.keys(), {
      expected: `an output, ${model.graph.outputs.map(({ name }) => `"${name}"`).join(', ')}, or another value`,
    });
  }
  if (!element) return { output, seed: float32(shape, new Float32Array(sizeOf(shape)).fill(1)) };
  const index = element[2].trim() === '' ? [] : element[2].split(',').map(Number);
  return { output, seed: oneHotSeed(shape, index) };
}

function resolveNames(model: LoadedModel, wanted: readonly string[]): string[] {
  const isFloat = (name: string) => model.types.get(name) === 'float32' || floatInputs(model, [name]) !== undefined;
  const inputs = requiredInputs(model.graph).map(({ name }) => name);
  const names = wanted.flatMap((text) => {
    if (model.types.has(text)) return [text];
    if (text === 'input') return inputs.filter(isFloat);
    if (text === 'parameters') return [...model.source.graph.initializers.keys()].filter(isFloat);
    throw unknownName('--wrt: the model has no value', text, ['input', 'parameters', ...model.types.keys()], {
      expected: '"input", "parameters", or names of values',
      fix: 'list them with wherefore inspect --all',
    });
  });
  const integers = names.find((name) => !isFloat(name));
  if (names.length && integers === undefined) return [...new Set(names)];
  throw new WhereforeError('wrong-type', `--wrt ${wanted.join(' ')}: there is nothing to differentiate`, {
    got: integers === undefined ? undefined : `"${integers}" of type ${model.types.get(integers)}`,
    expected: 'float32',
    fix: 'name a value of floats, e.g. the output of the embedding; wherefore inspect --all lists them',
  });
}

function norm({ data }: Tensor): number {
  let sum = 0;
  for (const value of data as Float32Array) sum += value * value;
  return Math.sqrt(sum);
}
