import { WhereforeError } from '../errors.ts';
import { type OnnxModel, operatorKey } from '../onnx/graph.ts';
import type { Session } from '../runtime/runtime.ts';
import { toNumbers } from '../tensor/convert.ts';
import { formatShape, sameShape, type Tensor } from '../tensor/tensor.ts';

export interface WebGpuOptions {
  /** The build of ONNX Runtime Web for graphics cards: `() => import('onnxruntime-web/webgpu')`. */
  readonly engine: () => Promise<typeof import('onnxruntime-web/wasm')>;
  /** How far values may be from those of WebAssembly, as a share of their size: ‖a − b‖ / ‖b‖. Default 1e-3. */
  readonly tolerance?: number;
  /** Whether an adapter that computes on the processor will do, which is slower than WebAssembly. Default false. */
  readonly software?: boolean;
}

/** Where a session runs, as ONNX Runtime takes it. */
export type Providers = readonly (string | { readonly name: string; readonly forceCpuNodeNames?: readonly string[] })[];

/** What is used of `navigator.gpu`. */
interface Gpu {
  requestAdapter(): Promise<{ readonly isFallbackAdapter?: boolean; readonly info: AdapterInfo } | null>;
}

interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly isFallbackAdapter?: boolean;
}

/**
 * The name of the adapter that graphs will run on.
 * @throws WhereforeError `runtime` where the browser has no WebGPU, no adapter, or one that computes on the processor
 */
export async function adapterFor({ software = false }: Pick<WebGpuOptions, 'software'>): Promise<string> {
  const fix = 'leave webgpu out of createWebRuntime, which then computes in WebAssembly';
  const { gpu } = (globalThis.navigator ?? {}) as { readonly gpu?: Gpu };
  if (!gpu)
    throw new WhereforeError('runtime', 'there is no WebGPU here', {
      got: globalThis.isSecureContext === false ? 'a page that is not served over https' : 'no navigator.gpu',
      fix,
    });
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new WhereforeError('runtime', 'the browser has no adapter for WebGPU', { fix });
  const { info } = adapter;
  const name = [info.vendor, info.architecture].filter(Boolean).join(' ') || 'unnamed adapter';
  if (!software && (adapter.isFallbackAdapter ?? info.isFallbackAdapter))
    throw new WhereforeError('runtime', 'WebGPU would compute on the processor, slower than WebAssembly', {
      got: name,
      fix: `${fix}, or say webgpu: { software: true }`,
    });
  return name;
}

/** On the card, but for max-pools that give positions as well, which it refuses when they run. */
export function gpuProviders({ graph }: OnnxModel): Providers {
  const refused = graph.nodes.filter((node) => operatorKey(node) === 'MaxPool' && Boolean(node.outputs[1]));
  // An empty list is refused as well.
  return [
    { name: 'webgpu', ...(refused.length > 0 && { forceCpuNodeNames: refused.map(({ name }) => name) }) },
    'wasm',
  ];
}

/**
 * A session whose first run is done by another as well, and its values compared: a card may compute something else than
 * the processor, for this model alone.
 * @param open opens the other, which is released again
 * @throws WhereforeError `runtime` at the first run where the values differ by more than `tolerance`
 */
export function comparedSession(session: Session, open: () => Promise<Session>, tolerance = 1e-3): Session {
  let isCompared = false;
  return {
    ...session,
    async run(feeds, fetches, options) {
      const found = await session.run(feeds, fetches, options);
      if (isCompared) return found;
      const reference = await open();
      try {
        const expected = await reference.run(feeds, fetches, { signal: options?.signal });
        for (const [name, value] of expected) compare(name, found.get(name), value, tolerance);
        isCompared = true;
      } finally {
        await reference.release();
      }
      return found;
    },
  };
}

function compare(name: string, found: Tensor | undefined, expected: Tensor, tolerance: number): void {
  if (expected.type === 'string') return;
  const isAlike = found?.type === expected.type && sameShape(found.shape, expected.shape);
  const apart = isAlike ? distance(toNumbers(found), toNumbers(expected)) : Number.POSITIVE_INFINITY;
  if (apart <= tolerance) return;
  throw new WhereforeError('runtime', 'WebGPU computes other values than WebAssembly for this model', {
    where: name,
    got: isAlike ? `${apart.toPrecision(2)} of their size apart` : `${found?.type} ${formatShape(found?.shape ?? [])}`,
    expected: isAlike ? `at most ${tolerance}` : `${expected.type} ${formatShape(expected.shape)}`,
    fix: 'leave webgpu out of createWebRuntime',
  });
}

/** ‖a − b‖ / ‖b‖; values that are equal, infinite or no number in both are not apart. */
function distance(a: readonly number[], b: readonly number[]): number {
  let [differences, squares] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    if (Object.is(a[i], b[i])) {
      if (Number.isFinite(b[i])) squares += b[i] ** 2;
      continue;
    }
    differences += (a[i] - b[i]) ** 2;
    squares += b[i] ** 2;
  }
  if (differences === 0) return 0;
  return Number.isNaN(differences) ? Number.POSITIVE_INFINITY : Math.sqrt(differences / squares);
}
