import { type Attribution, attribute } from '../attribution/attribute.ts';
import type { Groups } from '../attribution/groups.ts';
import type { WorkOptions } from '../attribution/prepared.ts';
import type { Target } from '../attribution/target/target.ts';
import type { LoadedModel } from '../data/load-model.ts';
import { WhereforeError } from '../errors.ts';
import { methodTable } from '../explainer/methods.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Explained, storedTensor } from './explained.ts';
import { recordedBaseline } from './given-baseline.ts';
import { groupsOfDocument } from './given-groups.ts';
import { layerGroups } from './input-groups.ts';
import { versionsOf } from './run-record.ts';

/** How a recomputed explanation compares with the recorded one. */
export interface Replay {
  readonly attribution: Attribution;
  /** Largest difference of an element, relative to the largest recorded magnitude. */
  readonly largestDifference: number;
  readonly identical: boolean;
  /** What differs around the computation (versions, the model's hash). */
  readonly changed: readonly string[];
}

/**
 * Computes an explanation again from its document and tensors, and compares.
 * @throws WhereforeError `invalid-data` when the model is another one (its hash differs) and `anyModel` is not set
 */
export async function replay(
  model: LoadedModel,
  explained: Explained,
  options: WorkOptions & { readonly anyModel?: boolean } = {},
): Promise<Replay> {
  const { document } = explained;
  if (model.hash !== document.model.hash && !options.anyModel) {
    throw new WhereforeError('invalid-data', 'this is not the model that was explained', {
      where: model.name,
      got: `hash ${model.hash.slice(0, 16)}…`,
      expected: `${document.model.hash.slice(0, 16)}…`,
      fix: 'give the same file with --model, or compare all the same with --any-model',
    });
  }
  const inputs = new Map(
    Object.entries(document.input.tensors).map(([name, { key }]) => [name, storedTensor(explained, key)]),
  );
  const attribution = await attribute(model, {
    ...options,
    inputs,
    target: document.target as Target,
    baseline: recordedBaseline(explained),
    explained: document.explained,
    layer: { names: document.layer },
    method: document.method,
    methods: methodTable,
    parameters: document.parameters,
    layout: document.input.layout,
    groups: methodTable[document.method]?.usesGroups ? recordedGroups(explained) : undefined,
  });
  let largest = 0;
  let difference = 0;
  for (const [name, { key }] of Object.entries(document.attribution)) {
    const recorded = storedTensor(explained, key) as Tensor<'float32'>;
    const again = attribution.values.get(name);
    if (again?.data.length !== recorded.data.length) {
      throw new WhereforeError('wrong-shape', `the attribution of "${name}" has another size than the recorded one`);
    }
    for (let i = 0; i < recorded.data.length; i++) {
      largest = Math.max(largest, Math.abs(recorded.data[i]));
      difference = Math.max(difference, Math.abs(recorded.data[i] - again.data[i]));
    }
  }
  const { runtime } = versionsOf(model);
  const changed = [
    ...(model.hash === document.model.hash ? [] : ['the model is another one']),
    ...(runtime === document.versions.runtime
      ? []
      : [`the runtime is ${runtime}, it was ${document.versions.runtime}`]),
  ];
  return {
    attribution,
    largestDifference: largest === 0 ? difference : difference / largest,
    identical: difference === 0,
    changed,
  };
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
