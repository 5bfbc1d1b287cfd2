import type { Baseline, InputBaseline } from '../attribution/baseline.ts';
import { baselineKinds } from '../attribution/baselines/index.ts';
import { WhereforeError } from '../errors.ts';
import { rows, type Tensor } from '../tensor/tensor.ts';
import type { ExplanationDocument } from './document.ts';
import { type Explained, storedTensor } from './explained.ts';

type BaselineDocument = NonNullable<ExplanationDocument['baseline']>;
type InputBaselineDocument = Exclude<BaselineDocument, { kind: 'each' }>;

/** A baseline as a document holds it: tensors stand elsewhere, by the names of the inputs. */
export function documentOfBaseline(baseline: Baseline): BaselineDocument {
  if (baseline.kind !== 'each') return documentOfOne(baseline);
  return {
    kind: 'each',
    baselines: Object.fromEntries([...baseline.baselines].map(([name, own]) => [name, documentOfOne(own)])),
  };
}

function documentOfOne(baseline: InputBaseline): InputBaselineDocument {
  // The schema leaves out what lies beside the document.
  return baselineKinds[baseline.kind].document.parse(baseline) as InputBaselineDocument;
}

/**
 * The baseline of a recorded explanation, with the tensors that were used.
 * @throws WhereforeError `invalid-data` where a tensor of an explained input is absent
 */
export function recordedBaseline(recorded: Explained): Baseline | undefined {
  const { baseline, explained } = recorded.document;
  if (!baseline) return undefined;
  if (baseline.kind === 'each') {
    const baselines = Object.entries(baseline.baselines);
    return {
      kind: 'each',
      baselines: new Map(baselines.map(([name, own]) => [name, baselineOfOne(recorded, own, [name])])),
    };
  }
  return baselineOfOne(recorded, baseline, explained);
}

function baselineOfOne(recorded: Explained, own: InputBaselineDocument, names: readonly string[]): InputBaseline {
  const { beside } = baselineKinds[own.kind];
  if (!beside) return own as InputBaseline;
  const tensors = new Map(names.map((name) => [name, usedTensor(recorded, name)]));
  if (beside === 'rows') return { ...own, tensors } as InputBaseline;
  // Beside the rows of another input's sample, a single baseline was written once for each.
  const heightOf = (name: string) => recorded.document.input.tensors[name]?.shape[0] ?? 1;
  const single = [...tensors].map(([name, tensor]) => [name, firstRows(tensor, heightOf(name))] as const);
  return { ...own, tensors: new Map(single) } as InputBaseline;
}

function usedTensor(recorded: Explained, name: string): Tensor {
  const stored = recorded.document.baselineTensors[name];
  if (stored) return storedTensor(recorded, stored.key);
  throw new WhereforeError('invalid-data', `the document lacks the baseline of input "${name}"`, {
    where: recorded.document.input.source,
    got: Object.keys(recorded.document.baselineTensors).join(', ') || 'none',
    fix: 'explain again: the document is not complete',
  });
}

function firstRows(tensor: Tensor, height: number): Tensor {
  return tensor.shape.length > 0 && tensor.shape[0] > height ? rows(tensor, 0, height) : tensor;
}
