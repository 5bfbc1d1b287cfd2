import type { LoadedModel } from '../../src/data/model/loaded-model.ts';
import { explain } from '../../src/explain/explain.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { filled } from '../../src/tensor/filled.ts';
import { bytesOf, float32, sizeOf, type Tensor } from '../../src/tensor/tensor.ts';

/** A model with the input that it is asked about. */
export interface Work {
  readonly title: string;
  readonly model: string;
  readonly input: string;
  readonly shape: readonly number[];
}

/** Integrated gradients of 50 steps at the input, of element i = sin(i) against zeros. @returns their sum */
export async function explainOnce(model: LoadedModel, { input, shape }: Work): Promise<number> {
  const x = float32(
    shape,
    filled(new Float32Array(sizeOf(shape)), (i) => Math.sin(i)),
  );
  const [{ document }] = await explain(model, new Map([[input, x]]), {
    methods: ['integrated-gradients'],
    layers: ['input'],
    baseline: { kind: 'zero' },
    parameters: { 'integrated-gradients': { steps: 50, nodes: 'even', tolerance: 0 } },
  });
  return document.sum;
}

/** Where the time of an explanation goes, in seconds. */
export interface Spent {
  /** Opening sessions. */
  sessions: number;
  /** Runs, with the copies of what goes in and out. */
  runs: number;
  /** Bytes that go in and out. */
  bytes: number;
}

/** A runtime that adds what it takes to `spent`. */
export function watched(runtime: Runtime, spent: Spent): Runtime {
  // Runs wait for each other: what counts is when any of them is under way.
  const underWay = { sessions: 0, runs: 0 };
  let last = performance.now();
  const count = (what: 'sessions' | 'runs', change: number) => {
    const now = performance.now();
    for (const one of ['sessions', 'runs'] as const) if (underWay[one] > 0) spent[one] += (now - last) / 1000;
    last = now;
    underWay[what] += change;
  };
  const told = async <T>(what: 'sessions' | 'runs', work: Promise<T>): Promise<T> => {
    count(what, 1);
    return work.finally(() => count(what, -1));
  };
  const sized = (tensors: Iterable<Tensor>) => {
    for (const tensor of tensors) if (tensor.type !== 'string') spent.bytes += bytesOf(tensor).length;
  };
  return {
    ...runtime,
    async open(model, options) {
      const session = await told('sessions', runtime.open(model, options));
      return {
        ...session,
        async run(feeds, fetches, how) {
          sized(feeds.values());
          const found = await told('runs', session.run(feeds, fetches, how));
          sized(found.values());
          return found;
        },
      };
    },
  };
}

/** Seconds that it takes to copy so many bytes. */
export function copySeconds(bytes: number): number {
  const whole = new Uint8Array(2 ** 25);
  const from = new Uint8Array(whole.length).fill(1);
  const copy = () => {
    const began = performance.now();
    for (let k = 0; k < 8; k++) whole.set(from);
    return (performance.now() - began) / 1000;
  };
  copy();
  return (copy() * bytes) / (8 * whole.length);
}
