import type { ExplanationDocument } from '../src/explain/document.ts';
import type { Explained } from '../src/explain/explained.ts';
import type { ScorecardDocument } from '../src/explain/scorecard-document.ts';
import { float32, int64, type Tensor, tensor } from '../src/tensor/tensor.ts';

interface Parts {
  readonly document?: Partial<ExplanationDocument>;
  readonly input?: Tensor;
  readonly baseline?: Tensor;
  readonly attribution: Tensor<'float32'>;
  /** Value that is attributed to. Default: the input, `x`. */
  readonly layer?: string;
  readonly layout?: ExplanationDocument['input']['layout'];
  readonly names?: string[];
  readonly texts?: string[];
  readonly image?: Tensor<'uint8'>;
  readonly transform?: ExplanationDocument['input']['transform'];
}

const described = (key: string, { type, shape }: Tensor) => ({ key, type, shape: [...shape] });

/** An explanation made up for tests; its numbers agree with each other unless `document` says otherwise. */
export function makeExplained(parts: Parts): Explained {
  const { attribution, layer = 'x', image } = parts;
  const input = parts.input ?? float32(attribution.shape, attribution.data.map(Math.abs));
  const baseline =
    parts.baseline ??
    (input.type === 'int64'
      ? int64(input.shape, new Array(input.data.length).fill(0))
      : float32(input.shape, new Float32Array(input.data.length)));
  const sum = attribution.data.reduce((total, value) => total + value, 0);
  const document: ExplanationDocument = {
    format: 'wherefore/explanation',
    version: 1,
    created: '2026-01-02T03:04:05.000Z',
    versions: { wherefore: '0.0.0', runtime: 'test 1' },
    model: { name: 'model.onnx', hash: 'aa11' },
    input: {
      source: 'folder/cat.png',
      tensors: { x: described('input:x', input) },
      layout: parts.layout ?? {},
      transform: parts.transform,
      names: parts.names,
      texts: parts.texts,
    },
    explained: ['x'],
    target: { kind: 'classLogit', class: 1 },
    targetDescription: 'logit of class 1 "cat"',
    baseline: { kind: 'zero' },
    baselineDescription: 'zero input',
    baselineTensors: { x: described('baseline:x', baseline) },
    layer: [layer],
    isCut: true,
    completing: [],
    method: 'integrated-gradients',
    methodTitle: 'Integrated gradients (revised)',
    parameters: { steps: 50 },
    chosen: { steps: 50 },
    attribution: { [layer]: described('attribution', attribution) },
    value: sum + 1,
    baselineValue: 1,
    attributionTarget: sum,
    sum,
    error: 0,
    relativeError: 0,
    converged: true,
    implicitBaseline: null,
    notes: [],
    gradientNotes: [],
    cost: { forward: 50, backward: 50, seconds: 0.5 },
    ...parts.document,
  };
  const tensors = new Map<string, Tensor>([
    ['input:x', input],
    ['baseline:x', baseline],
    ['attribution', attribution],
  ]);
  return { document, tensors, ...(image && { image }) };
}

/** An image of one colour. */
export function plainImage(height: number, width: number, level = 200): Tensor<'uint8'> {
  return tensor('uint8', [height, width, 3], new Uint8Array(height * width * 3).fill(level));
}

/** A scorecard made up for tests. */
export function makeScorecard(parts: Partial<ScorecardDocument> = {}): ScorecardDocument {
  return {
    entries: [
      {
        metric: 'attribution-error',
        title: 'Attribution error',
        direction: 'lower',
        score: 0.02,
        low: 0.02,
        high: 0.02,
        parts: {},
      },
      {
        metric: 'msi-literal',
        title: 'MSI (literal)',
        direction: 'higher',
        score: 0.4,
        low: -0.1,
        high: 0.5,
        parts: {},
      },
      { metric: 'deletion', title: 'Deletion (MoRF)', direction: 'lower', score: 0.1, low: 0.05, high: 0.3, parts: {} },
    ],
    reference: 'zero input',
    references: ['zero input', 'mean of the input'],
    warning: null,
    notes: [],
    cost: { forward: 240, backward: 0, seconds: 1.5 },
    ...parts,
  };
}

/** Batch, channel, row, column. */
export const imageLayout = { channelAxis: 1, spatialAxes: [2, 3] };

/** A map of 2 × 2 at a layer over an image of 4 × 4. */
export function imageExample(document: Partial<ExplanationDocument> = {}): Explained {
  const input = float32(
    [1, 1, 4, 4],
    Float32Array.from({ length: 16 }, (_, i) => i),
  );
  return makeExplained({
    input,
    attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]),
    layer: 'conv',
    layout: imageLayout,
    document,
  });
}

/** A row of a table with three columns. */
export function row(): Explained {
  const one = makeExplained({
    attribution: float32([1, 3], [1, -2, 0.5]),
    names: ['age', 'pay', 'hours'],
    texts: ['39', '7', '40'],
  });
  return { ...one, document: { ...one.document, input: { ...one.document.input, source: 'people.csv#3' } } };
}
