import { type Attribution, attribute } from '../attribution/attribute.ts';
import { type Baseline, describeBaseline } from '../attribution/baseline.ts';
import { explainedInputs } from '../attribution/explained.ts';
import { methods as attributionMethods } from '../attribution/methods/index.ts';
import type { Method } from '../attribution/methods/method.ts';
import { WhereforeError } from '../errors.ts';
import type { Model } from '../runtime/model.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import type { ComparedBaseline, ComparedInput, ComparedMethod, ComparisonRequest, StoredResult } from './comparison.ts';
import { type ControlName, controlOf } from './controls.ts';
import { type AttributionMap, mapOf } from './map.ts';
import type { Explanation, MetricScore } from './metrics/metric.ts';
import { profileOf } from './msi-profile.ts';
import { ask, type Question } from './question.ts';
import { testReference } from './reference-test.ts';
import { type ReadyMetric, scoreWith } from './score.ts';

/** Changes when scores change for the same key. */
const resultVersion = 4;

/** One line of a comparison: a method at a layer, or a control, with a baseline. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly compared: ComparedMethod | undefined;
  readonly control: ControlName | undefined;
  readonly baseline: ComparedBaseline;
}

/** What came of one explanation; a text tells why there is none. */
export type Outcome = { readonly result: StoredResult; readonly reused: boolean } | string;

/** An explanation that was made, still to be scored and kept. */
export interface Begun {
  /** Scores it; any number of explanations may be scored at the same time. */
  score(): Promise<Scored>;
}

/** Scores that are still to be kept. */
export interface Scored {
  /** Writes what is new into the store. */
  keep(): Promise<Outcome>;
}

/** All explanations of one input with one baseline. */
export class Cell {
  readonly #model: Model;
  readonly #request: ComparisonRequest;
  readonly #metrics: readonly ReadyMetric[];
  readonly #input: ComparedInput;
  readonly #baseline: Baseline;
  readonly #reference: Baseline;
  readonly #seed: number;
  #question: Promise<Question> | undefined;
  /** Maps of the methods so far, from which the controls are made. */
  readonly #maps: AttributionMap[] = [];
  readonly #keys: string[] = [];
  /** Passes of explanations; the question counts those of scoring. */
  readonly #explaining = { forward: 0, backward: 0 };

  constructor(
    model: Model,
    request: ComparisonRequest,
    metrics: readonly ReadyMetric[],
    input: ComparedInput,
    baseline: ComparedBaseline,
  ) {
    this.#model = model;
    this.#request = request;
    this.#metrics = metrics;
    this.#input = input;
    this.#baseline = baseline.baseline(input);
    this.#reference = (baseline.reference ?? baseline.baseline)(input);
    this.#seed = request.seed ?? 0;
  }

  get #methods(): Readonly<Record<string, Method>> {
    return this.#request.methodTable ?? attributionMethods;
  }

  /** Passes so far. */
  async spent() {
    const scoring = (await this.#asked()).passes();
    return {
      forward: this.#explaining.forward + scoring.forward,
      backward: this.#explaining.backward + scoring.backward,
    };
  }

  async shape(): Promise<readonly number[]> {
    return (await this.#asked()).groups.shape;
  }

  async referenceTest() {
    return testReference(await this.#asked());
  }

  /** Explains, or finds in the store. The controls are made of the maps of the rows that were begun before them. */
  async begin(row: Row): Promise<Begun> {
    const key = await this.#key(row);
    const kept = await this.#request.store?.read(key);
    const missing = this.#possible(row).filter(
      ({ name }) => !kept || !(settingsOf(this.#metrics, name) in { ...kept.scores, ...kept.failures }),
    );
    if (kept && missing.length === 0) {
      this.#remember(row, key, kept.map, kept.absolute);
      return ended({ result: named(kept, this.#metrics), reused: true });
    }
    let explanation: Explained;
    try {
      explanation = await this.#explain(row);
    } catch (error) {
      return ended(reason(error));
    }
    // As it is stored, so that a resumed comparison has the same controls.
    this.#remember(row, key, Float32Array.from(explanation.map.values), explanation.map.absolute ?? false);
    return {
      score: async () => {
        const result = await this.#score(explanation, missing, kept);
        return {
          keep: async () => {
            await this.#request.store?.write(key, result);
            return { result: named(result, this.#metrics), reused: false };
          },
        };
      },
    };
  }

  #possible(row: Row): ReadyMetric[] {
    // Only shares promise a sum.
    const sharesOut = row.compared && this.#methods[row.compared.method].meaning.kind === 'share';
    return this.#metrics.filter(
      ({ name, metric }) =>
        // The consensus is made of maps and cannot be asked again.
        (metric.needs !== 'method' || !madeOfMaps(row.control)) && (sharesOut || name !== 'attribution-error'),
    );
  }

  async #score(
    explanation: Explained,
    missing: readonly ReadyMetric[],
    kept: StoredResult | undefined,
  ): Promise<StoredResult> {
    const scores: Record<string, MetricScore> = { ...kept?.scores };
    const failures: Record<string, string> = { ...kept?.failures };
    const score = async (ready: ReadyMetric) => {
      throwIfCancelled(this.#request.signal);
      const settings = settingsOf(this.#metrics, ready.name);
      try {
        scores[settings] = await scoreWith(ready, await this.#asked(), explanation);
      } catch (error) {
        failures[settings] = reason(error);
      }
    };
    // At the same time, so that their questions go into one stream; explaining again fills its batches by itself.
    const again = missing.filter(({ metric }) => metric.needs === 'method');
    const together = missing.filter((ready) => !again.includes(ready));
    const [profile = kept?.profile] = await Promise.all([
      profileOf(await this.#asked(), explanation.map, together),
      ...together.map(score),
    ]);
    for (const ready of again) await score(ready);
    const { map, sum, spent, notes = [] } = explanation;
    return {
      scores,
      failures,
      cost: spent,
      sum,
      profile,
      absolute: map.absolute ?? false,
      notes,
      map: Float32Array.from(map.values),
    };
  }

  #remember(row: Row, key: string, map: Float32Array, absolute: boolean): void {
    if (row.control) return;
    this.#maps.push({ values: Float64Array.from(map), absolute });
    this.#keys.push(key);
  }

  #asked(): Promise<Question> {
    const { inputs, target, layout, truth, groups, regions } = this.#input;
    const { explained, byteBudget, signal, onProgress } = this.#request;
    this.#question ??= ask(this.#model, {
      inputs,
      target,
      layout,
      truth,
      groups,
      regions,
      reference: this.#reference,
      explained,
      seed: this.#seed,
      byteBudget,
      signal,
      onProgress,
    });
    return this.#question;
  }

  async #explain({ compared, control }: Row): Promise<Explained> {
    const question = await this.#asked();
    const none = { forward: 0, backward: 0, seconds: 0 };
    if (control) {
      const groups = question.groups.count;
      const made = controlOf(control, this.#maps, groups, this.#seed);
      if (!made) throw new WhereforeError('invalid-argument', 'no method gave a map that controls could be made of');
      return { ...made, spent: none };
    }
    const one = compared as ComparedMethod;
    const methods = this.#methods;
    const run = (change: Parameters<NonNullable<Explanation['again']>>[0]): Promise<Attribution> => {
      const { explained, loadExplainer, byteBudget, signal, onProgress } = this.#request;
      return attribute(change.model ?? this.#model, {
        inputs: change.inputs ?? this.#input.inputs,
        target: change.target ?? this.#input.target,
        baseline: this.#baseline,
        explained,
        layer: one.layer && { names: one.layer },
        method: one.method,
        methods,
        loadExplainer,
        parameters: one.parameters,
        groups: methods[one.method].usesGroups ? this.#input.groups : undefined,
        layout: this.#input.layout,
        byteBudget,
        signal,
        onProgress,
      });
    };
    const count = ({ cost }: Attribution) => {
      this.#explaining.forward += cost.forward;
      this.#explaining.backward += cost.backward;
    };
    const attribution = await run({});
    count(attribution);
    const mapped = ({ values }: Attribution) =>
      mapOf(values, question.groups, this.#input.layout, methods[one.method].meaning.kind);
    return {
      map: mapped(attribution),
      sum: attribution.sum,
      difference: attribution.attributionTarget,
      spent: attribution.cost,
      notes: attribution.notes,
      again: async (change) => {
        const other = await run(change);
        count(other);
        return mapped(other);
      },
    };
  }

  /** Everything a result depends on besides the metrics, which a record keeps by name and parameters. */
  async #key(row: Row): Promise<string> {
    const { explained } = this.#request;
    const of = row.compared
      ? { method: row.compared.method, parameters: row.compared.parameters ?? {}, layer: row.compared.layer ?? null }
      : { control: row.control, of: this.#keys };
    const parts = {
      version: resultVersion,
      model: this.#model.hash,
      input: this.#input.hash,
      target: this.#input.target,
      baseline: baselineKey(this.#baseline),
      reference: baselineKey(this.#reference),
      explained: explained ?? explainedInputs(this.#model, this.#reference),
      groups: this.#input.groups ?? null,
      regions: this.#input.regions ?? 1,
      truth: this.#input.truth ? [...this.#input.truth].join('') : null,
      seed: this.#seed,
      ...of,
    };
    return digest(JSON.stringify(parts));
  }
}

interface Explained extends Explanation {
  readonly spent: StoredResult['cost'];
  readonly notes?: readonly string[];
}

const madeOfMaps = (control: ControlName | undefined) => control === 'consensus' || control === 'inverted';

/** What needs no scoring. */
function ended(outcome: Outcome): Begun {
  return { score: async () => ({ keep: async () => outcome }) };
}

/** A metric with its parameters: `insertion{"steps":32}`. */
function settingsOf(metrics: readonly ReadyMetric[], name: string): string {
  const ready = metrics.find((metric) => metric.name === name) as ReadyMetric;
  return `${name}${JSON.stringify(ready.parameters)}`;
}

/** A stored result with the asked metrics under their plain names. */
function named(result: StoredResult, metrics: readonly ReadyMetric[]): StoredResult {
  const pick = <T>(list: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      metrics.flatMap(({ name }) =>
        settingsOf(metrics, name) in list ? [[name, list[settingsOf(metrics, name)]]] : [],
      ),
    );
  return { ...result, scores: pick(result.scores), failures: pick(result.failures) };
}

function baselineKey(baseline: Baseline): unknown {
  if (baseline.kind === 'each') return [...baseline.baselines].map(([name, own]) => [name, baselineKey(own)]);
  if (baseline.kind !== 'input' && baseline.kind !== 'sample') return baseline;
  const given = baseline.kind === 'input' && baseline.tensor;
  const tensors = given ? [given] : [...(baseline.tensors?.values() ?? [])];
  return {
    description: describeBaseline(baseline),
    tensors: tensors.map(({ type, shape, data }) => ({
      type,
      shape,
      data: Array.from(data as Float32Array, String).join(),
    })),
  };
}

/** Why one explanation or score is missing. Anything but a known mistake, and a cancellation, ends the comparison. */
function reason(error: unknown): string {
  if (error instanceof WhereforeError && error.code !== 'cancelled' && error.code !== 'internal') return error.message;
  throw error;
}

async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
