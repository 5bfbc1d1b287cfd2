// What a person writes first after installing the package: it must type-check strictly and run.
import {
  type Explained,
  encodeModel,
  explain,
  float32,
  gradientsOf,
  layers,
  loadModel,
  Network,
  oneHotSeed,
  WhereforeError,
} from 'wherefore';

// A linear model, so that the answer is known by hand: y = x · W, baseline 0, A = x ⊙ w of the explained class.
const network = new Network({ seed: 1 });
const x = network.input('x', 'float32', ['N', 3]);
const bytes: Uint8Array = encodeModel(network.build([layers.linear(network, x, 'y', { features: 2 })]));

const model = await loadModel(bytes, { name: 'linear.onnx', threads: 1 });
const inputs = new Map([['x', float32([1, 3], [1, 2, 3])]]);
const [explained]: Explained[] = await explain(model, inputs, {
  target: { kind: 'classLogit', class: 1 },
  baseline: { kind: 'zero' },
});
const { gradients } = await gradientsOf(model, {
  inputs,
  seeds: new Map([['y', oneHotSeed([1, 2], [0, 1])]]),
  wrt: ['x'],
});
const unknown: unknown = await loadModel('missing.onnx').catch((error: unknown) => error);
await model.close();

const slope = [...(gradients.get('x')?.data ?? [])];
const expected = slope.reduce((sum, value, i) => sum + value * (i + 1), 0);
const { sum, relativeError } = explained.document;
const holds = slope.length === 3 && Math.abs(sum - expected) < 1e-5 && (relativeError ?? 1) < 1e-4;
if (!holds) throw new Error(`ΣA = ${sum}, expected ${expected}; relative error ${relativeError}`);
if (!(unknown instanceof WhereforeError && unknown.code === 'file-not-found')) throw new Error(String(unknown));
console.log(`explained: ΣA = ${sum.toFixed(4)}, error ${explained.document.error?.toExponential(1)}`);
