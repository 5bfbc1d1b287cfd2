import { type Attribution, attribute } from '../attribution/attribute.ts';
import type { Groups } from '../attribution/groups.ts';
import { methods as methodTable } from '../attribution/methods/index.ts';
import type { WorkOptions } from '../attribution/prepared.ts';
import { type Target, targetKinds } from '../attribution/targets/kinds/index.ts';
import { checked } from '../checked.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { preprocessingSchema } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { loadExplainer } from '../explainer/load-explainer.ts';
import { type Difference, documentDifferences } from './compare-documents.ts';
import type { ExplanationDocument } from './document.ts';
import { documentAgain, groupDifferences, type Recomputed } from './document-again.ts';
import { type Explained, storedTensor } from './explained.ts';
import { recordedBaseline } from './given-baseline.ts';
import { groupsOfDocument } from './given-groups.ts';
import { layerGroups } from './input-groups.ts';
import { preprocessingOf } from './preprocessing-of.ts';
import { describesTarget, labelsNow } from './recorded-labels.ts';
import { readSourceAgain } from './recorded-source.ts';
import { changesOf, elementsOf, missingNotes, nearOf, skippedFields, uncheckedOf } from './replay-findings.ts';
import { scorecardDocument } from './scorecard.ts';

/** How a recomputed explanation compares with the recorded one. */
export interface Replay {
  readonly attribution: Attribution;
  /**
   * Largest difference of an element, as a share of the largest magnitude; NaN where a recorded element is no finite
   * number or has no counterpart.
   */
  readonly largestDifference: number;
  /** Whether every element of the attribution is the recorded one, and nothing else differs. */
  readonly identical: boolean;
  /** What the document states and what comes out otherwise, the elements of its tensors among it. */
  readonly differences: readonly Difference[];
  /** What could not be checked, and why. */
  readonly unchecked: readonly string[];
  /** What differs around the computation: versions, the model's hash, how inputs are made. */
  readonly changed: readonly string[];
}

export interface ReplayOptions extends WorkOptions {
  /** Whether another model than the recorded one is computed with. Default false. */
  readonly anyModel?: boolean;
  /** Largest accepted difference, as a share of the largest magnitude of its kind. Default 1e-4. */
  readonly tolerance?: number;
  /** Where the input came from; default: the source in the document, looked for below `folders`. */
  readonly source?: string;
  /** Files among the parameters of the method, where the caller names them; they may lie anywhere. */
  readonly files?: Readonly<Record<string, string>>;
  /** Folders below which paths of the document are looked for. Default: the current one. */
  readonly folders?: readonly string[];
  /** Whether the scorecard is computed again as well. Default false: it takes many passes. */
  readonly score?: boolean;
}

/**
 * Computes an explanation again from its document and tensors, and compares all that the document states: the
 * attribution, T and its sum, the prediction, descriptions, labels, shapes, the baseline, and the input where its
 * source is found. What cannot be checked is listed.
 * @throws WhereforeError `invalid-data` when the model is another one (its hash differs) and `anyModel` is not set
 */
export async function replay(model: LoadedModel, explained: Explained, options: ReplayOptions = {}): Promise<Replay> {
  const { document } = explained;
  const { tolerance = 1e-4 } = options;
  if (model.hash !== document.model.hash && !options.anyModel) {
    throw new WhereforeError('invalid-data', 'this is not the model that was explained', {
      where: model.name,
      got: `hash ${model.hash.slice(0, 16)}…`,
      expected: `${document.model.hash.slice(0, 16)}…`,
      fix: 'give the same file with --model, or compare all the same with --any-model',
    });
  }
  const computed = await computeAgain(model, explained, options);
  const { attribution } = computed;
  const again: unknown = JSON.parse(JSON.stringify(await documentAgain(model, explained, computed)));
  const groups = groupDifferences(explained, computed);
  const scores = await scoresAgain(model, explained, computed, options);
  const isNear = nearOf(attribution, tolerance);
  const differences = [
    ...(explained.isUnchanged === false ? [changedSince] : []),
    ...documentDifferences(document, again, isNear, skippedFields(document, computed.labels)),
    ...documentDifferences(scores && document.scorecard, scores, isNear, new Set(['scorecard.cost']), 'scorecard'),
    ...missingNotes(document, again as ExplanationDocument),
    ...(computed.labels.isKnown || describesTarget(document.targetDescription, attribution.target)
      ? []
      : [{ field: 'targetDescription', recorded: document.targetDescription, now: attribution.targetDescription }]),
    ...groups.filter(({ difference }) => !(difference <= tolerance)).map(elementsOf),
  ];
  const largestDifference = groups[0].difference;
  return {
    attribution,
    largestDifference,
    identical: largestDifference === 0 && differences.length === 0,
    differences,
    unchecked: uncheckedOf(explained, again as ExplanationDocument, computed, scores !== undefined),
    changed: changesOf(model, document),
  };
}

const changedSince: Difference = { field: 'the document', recorded: 'the digest of another one', now: 'edited since' };

async function computeAgain(model: LoadedModel, explained: Explained, options: ReplayOptions): Promise<Recomputed> {
  const { document } = explained;
  const parsed = checked(preprocessingSchema, document.preprocessing);
  const preprocessing = parsed.success ? parsed.data : preprocessingOf(model, {});
  const labels = await labelsNow(model, preprocessing, document);
  const inputs = new Map(
    Object.entries(document.input.tensors).map(([name, { key }]) => [name, storedTensor(explained, key)]),
  );
  const usesGroups = Object.hasOwn(methodTable, document.method) && methodTable[document.method].usesGroups;
  const baseline = recordedBaseline(explained);
  const groups = usesGroups ? recordedGroups(explained) : undefined;
  const files = await filesOf(model, document, options);
  const computed = await attribute(model, {
    ...options,
    inputs,
    target: document.target as Target,
    baseline,
    explained: document.explained,
    layer: { names: document.layer },
    method: document.method,
    loadExplainer: (path, trained) => loadExplainer(path, trained, model.edge),
    parameters: { ...document.parameters, ...files },
    layout: document.input.layout,
    groups,
    labels: targetKinds[document.target.kind].names === 'tokens' ? labels.tokens : labels.classes,
  });
  // Where the method's files lie now is not what the document states.
  const stated = Object.fromEntries(Object.keys(files).map((name) => [name, document.parameters[name]]));
  const attribution = { ...computed, parameters: { ...computed.parameters, ...stated } };
  const { folders = ['.'], source } = options;
  const fresh = await readSourceAgain(model, document, preprocessing, { source, folders });
  return { inputs, baseline, groups, attribution, preprocessing, labels, fresh };
}

/** The scorecard, where the document has one and it is asked for. */
async function scoresAgain(
  model: LoadedModel,
  { document }: Explained,
  { inputs, baseline, attribution }: Recomputed,
  { score = false, ...options }: ReplayOptions,
): Promise<unknown> {
  if (!score || !document.scorecard || !baseline) return undefined;
  const { layout, groups } = document.input;
  const scored = { input: { tensors: inputs, layout, groups }, baseline, explained: document.explained, attribution };
  return JSON.parse(JSON.stringify(await scorecardDocument(model, scored, options)));
}

/**
 * The files among the recorded parameters of a method: those that the caller names, else as the document has them, below
 * a folder of the caller's.
 * @throws WhereforeError `file-not-found`
 */
async function filesOf(
  { edge }: LoadedModel,
  { method, parameters }: ExplanationDocument,
  { files = {}, folders = ['.'] }: ReplayOptions,
): Promise<Record<string, string>> {
  const names = Object.hasOwn(methodTable, method) ? (methodTable[method].files ?? []) : [];
  const found: Record<string, string> = {};
  for (const name of names) {
    const own = Object.hasOwn(files, name) ? files[name] : undefined;
    const recorded = parameters[name];
    if (own === undefined && typeof recorded !== 'string') continue;
    const path = own ?? (await edge.findBelow(folders, String(recorded)));
    if (path !== undefined) found[name] = path;
    else {
      throw new WhereforeError('file-not-found', `the file of ${method}.${name} is not there`, {
        got: String(recorded),
        expected: 'a file below this folder or that of the document',
        fix: `name it with --${name}`,
      });
    }
  }
  return found;
}

/** What a method hid together: groups that the caller named, or columns or words. */
function recordedGroups(recorded: Explained): Groups | undefined {
  const { document, tensors } = recorded;
  const { input, layer, explained, attribution, groups } = document;
  if (groups) return groupsOfDocument(groups, (key) => storedTensor(recorded, key));
  const inputs = new Map(
    Object.entries(input.tensors).flatMap(([name, { key }]) => {
      const tensor = tensors.get(key);
      return tensor ? [[name, tensor] as const] : [];
    }),
  );
  const shapeOf = (name: string) => attribution[name]?.shape;
  return layerGroups({ groups: input.groups, tensors: inputs }, { layer, explained, shapeOf });
}
