import type { Attribution } from '../attribution/attribute.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Difference, IsNear } from './compare-documents.ts';
import type { ExplanationDocument } from './document.ts';
import { type GroupDifference, hasSample, type Recomputed } from './document-again.ts';
import type { Explained } from './explained.ts';
import { preprocessingOf } from './preprocessing-of.ts';
import type { Labels } from './recorded-labels.ts';
import { versionsOf } from './run-record.ts';

/** Fields that are no evidence: they differ in every run, are compared in another way, or were taken over. */
export function skippedFields({ prediction }: ExplanationDocument, labels: Labels): Set<string> {
  const always = ['created', 'versions', 'command', 'cost', 'scorecard', 'notes', 'preprocessing'];
  const named = ['targetDescription', ...(prediction?.top ?? []).map((_, i) => `prediction.top[${i}].label`)];
  return new Set([...always, 'model.path', 'input.source', ...(labels.isKnown ? [] : named)]);
}

export function missingNotes({ notes }: ExplanationDocument, again: ExplanationDocument): Difference[] {
  return again.notes
    .filter((note) => !notes.includes(note))
    .map((note) => ({ field: 'notes', recorded: 'nothing', now: JSON.stringify(note) }));
}

export function uncheckedOf(
  { document, isUnchanged }: Explained,
  again: ExplanationDocument,
  { baseline, groups, labels, fresh }: Recomputed,
  isScored: boolean,
): string[] {
  const kinds = baseline?.kind === 'each' ? [...baseline.baselines.values()].map(({ kind }) => kind) : [baseline?.kind];
  const given = kinds.some((kind) => kind === 'input' || kind === 'sample') && !hasSample(baseline, fresh);
  const others = document.notes.filter((note) => !again.notes.includes(note));
  return [
    ...(typeof fresh === 'string' ? [`whether ${JSON.stringify(document.input.source)} is the input: ${fresh}`] : []),
    ...(given ? [`the values of the baseline, which were given: ${document.baselineDescription}`] : []),
    ...(groups?.kind === 'indices' ? ['the groups of features, which were given'] : []),
    ...(labels.isKnown ? [] : ['what classes are called: nothing beside the model says it']),
    ...(document.scorecard && !isScored ? ['the scores; --score computes them again'] : []),
    ...others.map((note) => `the note ${JSON.stringify(note)}`),
    ...(isUnchanged === undefined ? ['whether the document was edited: there is no digest beside it'] : []),
    'when and by which command it was made, and what it cost',
  ];
}

export function elementsOf({ group, difference }: GroupDifference): Difference {
  const field = `elements of ${group}`;
  return Number.isNaN(difference)
    ? { field, recorded: 'elements without a counterpart, or no finite numbers', now: 'finite numbers' }
    : { field, recorded: 'other values', now: `${difference.toPrecision(3)} of the largest away` };
}

/** Sums and outputs are near by the size of the outputs that they are differences of. */
export function nearOf({ value, baselineValue = 0, sum }: Attribution, tolerance: number): IsNear {
  const size = Math.max(Math.abs(value), Math.abs(baselineValue), Math.abs(sum), 1e-6);
  const target = Math.max(Math.abs(value - baselineValue), 1e-6);
  return (field, recorded, now) => {
    const own = Math.max(Math.abs(recorded), Math.abs(now));
    const unit = field === 'relativeError' ? size / target + own : ofOutputs.has(field) ? size : own;
    return Math.abs(recorded - now) <= tolerance * unit;
  };
}

const ofOutputs: ReadonlySet<string> = new Set([
  'value',
  'baselineValue',
  'attributionTarget',
  'sum',
  'error',
  'implicitTarget',
  'implicitError',
]);

export function changesOf(
  model: LoadedModel,
  { model: recorded, versions, preprocessing }: ExplanationDocument,
): string[] {
  const now = versionsOf(model);
  const was = (what: string, name: string | undefined, other: string | undefined) =>
    name === other ? [] : [`${what} is ${name ?? 'not known'}, it was ${other ?? 'not known'}`];
  const beside = JSON.stringify(preprocessingOf(model, {}));
  return [
    ...(model.hash === recorded.hash ? [] : ['the model is another one']),
    ...was('the runtime', now.runtime, versions.runtime),
    ...was('the version of wherefore', now.wherefore, versions.wherefore),
    ...was('the version of Node.js', now.node, versions.node),
    ...(inOrder(beside) === inOrder(JSON.stringify(preprocessing))
      ? []
      : ['how inputs are made was not taken from what stands beside the model now']),
  ];
}

/** JSON with the keys of every object in alphabetical order: equal contents are equal texts. */
function inOrder(json: string): string {
  return JSON.stringify(JSON.parse(json), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
