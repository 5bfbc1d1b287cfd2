import type { Attribution } from '../attribution/attribute.ts';
import type { Baseline } from '../attribution/baseline.ts';
import { baselineInputs } from '../attribution/explained.ts';
import type { Groups } from '../attribution/groups.ts';
import type { MethodName } from '../attribution/methods/index.ts';
import { compileTarget } from '../attribution/targets/target.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { estimateCost } from './cost-estimate.ts';
import type { ExplanationDocument } from './document.ts';
import { explainedOf } from './explain-inputs.ts';
import { type Explained, storedTensor } from './explained.ts';
import { groupsOfDocument } from './given-groups.ts';
import { predict } from './prediction.ts';
import type { Labels } from './recorded-labels.ts';
import { tensorDifference } from './tensor-difference.ts';

/** What was computed again from a document, or found beside it. */
export interface Recomputed {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly baseline: Baseline | undefined;
  readonly attribution: Attribution;
  readonly preprocessing: Preprocessing;
  readonly labels: Labels;
  /** What the method hid together. */
  readonly groups: Groups | undefined;
  /** The input read from its source again, or why it cannot be. */
  readonly fresh: ModelInput | string;
}

/** The document of an explanation, made anew wherever it can be: as it would be written now. */
export async function documentAgain(
  model: LoadedModel,
  recorded: Explained,
  computed: Recomputed,
): Promise<ExplanationDocument> {
  const { inputs, baseline, attribution, preprocessing, labels, fresh } = computed;
  const { document } = recorded;
  const input = inputAgain(document, { inputs, baseline, fresh });
  const givenGroups = document.groups && groupsOfDocument(document.groups, (key) => storedTensor(recorded, key));
  const again = explainedOf(
    model,
    {
      input,
      prediction: await predict(model, inputs, preprocessing, labels.classes, {
        vocabulary: labels.tokens,
        words: document.input.groups,
      }),
      explained: document.explained,
      notes: [],
      givenGroups,
      ungrouped: await ungroupedAgain(model, document, input, computed),
    },
    preprocessing,
    attribution,
    document.command,
    {},
  );
  return typeof fresh === 'string' ? { ...again.document, input: document.input } : again.document;
}

/** Elements of the layer that are in no group. */
async function ungroupedAgain(
  model: LoadedModel,
  { layer, explained, method, parameters }: ExplanationDocument,
  input: ModelInput,
  { inputs, baseline, groups, attribution: { target } }: Recomputed,
): Promise<number> {
  if (!baseline) return 0;
  const specialised = await model.executor.specialise(model.graph, inputs);
  const compiled = compileTarget(model.graph, specialised.facts, target, layer);
  const references = baselineInputs(model, inputs, explained, baseline, input.layout);
  const asked = { input, layer, explained, method: method as MethodName, groups, references, target };
  const cost = estimateCost(specialised, compiled, asked, parameters);
  if (cost instanceof WhereforeError) throw cost;
  return cost.ungrouped;
}

/** The input with the recorded tensors, and what its source says of it where that was found. */
function inputAgain(
  { input }: ExplanationDocument,
  { inputs, baseline, fresh }: Pick<Recomputed, 'inputs' | 'baseline' | 'fresh'>,
): ModelInput {
  if (typeof fresh === 'string') {
    const { source, hash, layout, groups } = input;
    return { source, hash, layout, groups, tensors: inputs, notes: [] };
  }
  // The words for the sample belong to the very tensors of the baseline.
  const sample =
    baseline?.kind === 'sample' && hasSample(baseline, fresh)
      ? { ...fresh.sample, tensors: baseline.tensors }
      : fresh.sample;
  return { ...fresh, tensors: inputs, sample };
}

/** A group of tensors, and how far it lies from the recorded ones as a share of the largest magnitude. */
export interface GroupDifference {
  readonly group: string;
  readonly difference: number;
}

/** Tensors that can be had again, compared with the recorded ones. */
export function groupDifferences(recorded: Explained, { baseline, attribution, fresh }: Recomputed): GroupDifference[] {
  const { document } = recorded;
  const differenceOf = (
    group: 'attribution' | 'baselineTensors',
    others: ReadonlyMap<string, Tensor>,
  ): GroupDifference => ({
    group,
    difference: tensorDifference(recorded, document[group], others),
  });
  const replaced = [...(attribution.baselineInputs ?? [])].filter(([name]) => document.explained.includes(name));
  const found = [differenceOf('attribution', attribution.values), differenceOf('baselineTensors', new Map(replaced))];
  if (typeof fresh === 'string') return found;
  found.push({ group: 'input', difference: tensorDifference(recorded, document.input.tensors, fresh.tensors) });
  if (hasSample(baseline, fresh)) found.push(differenceOf('baselineTensors', fresh.sample.tensors));
  return found;
}

/** Whether the source says what the sample behind the baseline is. */
export function hasSample(
  baseline: Baseline | undefined,
  fresh: ModelInput | string,
): fresh is ModelInput & { readonly sample: NonNullable<ModelInput['sample']> } {
  return typeof fresh !== 'string' && baseline?.kind === 'sample' && fresh.sample?.description === baseline.description;
}
