import { describe, expect, it } from 'vitest';
import { image, imageLayout, objectPixels, pixelModel, side, templateModel } from '../../test/evaluation-models.ts';
import { attribute } from '../attribution/attribute.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { random } from '../tensor/random.ts';
import { mapOf } from './map.ts';
import { type MetricName, metrics } from './metrics/index.ts';
import type { Explanation } from './metrics/metric.ts';
import { ask, type Question } from './question.ts';
import { readyMetric, scoreWith } from './score.ts';

/**
 * Where the extremes are known. template: finds a drawn plus, and the image has one, which explains the class fully.
 * sum: the mean over the plus, so that the shares of its pixels are the truth about every set. rival: logits in which
 * the plus raises the class and two other pixels lower it.
 */
type Scene = 'template' | 'sum' | 'rival';

interface Extremes {
  readonly on: Scene;
  /** What theory gives the perfect explanation. */
  readonly perfect: number;
  /** What theory gives a random one, or what a random one stays behind by. */
  readonly chance: { readonly score: number } | { readonly margin: number };
}

/**
 * The perfect explanation is the object, with the output's difference shared out evenly over it. Explained again, it
 * answers as a faithful method would: another map for another class or model, the same map nearby. The random
 * explanation is noise, drawn anew when the input moves, and the same for every class and model.
 */
const expected: Readonly<Record<MetricName, Extremes>> = {
  // 1 − 5/144
  'msi-literal': { on: 'template', perfect: 1 - 5 / 144, chance: { margin: 0.5 } },
  'msi-tolerant': { on: 'template', perfect: 1 - 5 / 144, chance: { margin: 0.5 } },
  // The first of 16 points is after 8 of 144 features, all of the object among them: ½ · 8/144 is missing.
  insertion: { on: 'template', perfect: 1 - 4 / 144, chance: { margin: 0.2 } },
  deletion: { on: 'template', perfect: 4 / 144, chance: { margin: 0.1 } },
  'insertion-lerf': { on: 'template', perfect: 4 / 144, chance: { margin: 0.1 } },
  'deletion-lerf': { on: 'template', perfect: 1 - 4 / 144, chance: { margin: 0.2 } },
  // 1, 7, 14, 29 and 72 features: the first alone shows nothing, the others everything: 1/5.
  sufficiency: { on: 'template', perfect: 0.2, chance: { margin: 0.3 } },
  // Without the first σ(4) is left, without the others nothing: (1 − .982 + 4)/5
  comprehensiveness: { on: 'template', perfect: 0.8036, chance: { margin: 0.3 } },
  // The fewest, 14 features, hold the object: its black neighbours stand for it and nothing is left. Up to 130 of the
  // others leave it whole: 1 − 0.
  road: { on: 'sum', perfect: 1, chance: { margin: 0.5 } },
  'average-drop': { on: 'template', perfect: 0, chance: { margin: 0.2 } },
  // Without its rivals the object makes the model surer; half of everything is half of the logit.
  'increase-in-confidence': { on: 'rival', perfect: 1, chance: { score: 0 } },
  // Every set does what the shares of its pixels promise. Large sets hold most of the object, and a random map whose sum
  // has the right sign fits them after rescaling; with the other sign it scores 1, see below.
  infidelity: { on: 'sum', perfect: 0, chance: { margin: 0.2 } },
  'sensitivity-n': { on: 'sum', perfect: 1, chance: { margin: 0.5 } },
  'faithfulness-correlation': { on: 'sum', perfect: 1, chance: { margin: 0.5 } },
  'attribution-error': { on: 'template', perfect: 0, chance: { margin: 0.5 } },
  // Two independent maps of variance v: E‖A′ − A‖² = 2v·G, so about √2, a little more as the largest of four.
  'max-sensitivity': { on: 'template', perfect: 0, chance: { margin: 1.3 } },
  // The same map for every class and model.
  mprt: { on: 'template', perfect: 0, chance: { score: 1 } },
  'random-logit': { on: 'template', perfect: 0, chance: { score: 1 } },
  // 5 equal features of 144
  sparseness: { on: 'template', perfect: 1 - 5 / 144, chance: { margin: 0.3 } },
  complexity: { on: 'template', perfect: Math.log(5), chance: { margin: 1 } },
  'pointing-game': { on: 'template', perfect: 1, chance: { score: 0 } },
  'mass-accuracy': { on: 'template', perfect: 1, chance: { margin: 0.8 } },
  'rank-accuracy': { on: 'template', perfect: 1, chance: { margin: 0.5 } },
};

const object = objectPixels([[4, 5]]);
const rivals = [0, side * side - 1];
const truth = new Uint8Array(side * side);
for (const pixel of object) truth[pixel] = 1;

function asked(scene: Scene): Promise<Question> {
  const x = image([[4, 5]]);
  const request = { reference: { kind: 'zero' }, layout: imageLayout, truth } as const;
  const target = { kind: 'classLogit', class: 0 } as const;
  if (scene === 'template') return ask(templateModel(), { ...request, inputs: new Map([['x', x]]), target });
  const weights = Array.from(truth, (inside) => inside / (scene === 'sum' ? object.length : 1));
  if (scene === 'sum') {
    const output = { kind: 'output', index: [0] } as const;
    return ask(pixelModel(weights, 'sum'), { ...request, inputs: new Map([['x', x]]), target: output });
  }
  for (const pixel of rivals) {
    x.data[pixel] = 1;
    weights[pixel] = -1;
  }
  return ask(pixelModel(weights, 'logits'), { ...request, inputs: new Map([['x', x]]), target });
}

const noiseOf = (seed: number) => {
  const source = random(seed);
  return { values: Float64Array.from({ length: side * side }, () => 0.2 * source.normal()) };
};

describe('a perfect and a random explanation', () => {
  const scenes = new Map((['template', 'sum', 'rival'] as const).map((scene) => [scene, asked(scene)]));

  it.each(Object.keys(metrics) as MetricName[])('%s', async (name) => {
    const { on, perfect: theory, chance } = expected[name];
    const question = await (scenes.get(on) as Promise<Question>);
    const share = (question.value - question.referenceValue) / object.length;
    const perfectMap = { values: Float64Array.from(truth, (inside) => inside * share) };
    const even = { values: new Float64Array(side * side).fill(1) };
    const perfect: Explanation = { map: perfectMap, again: async ({ inputs }) => (inputs ? perfectMap : even) };
    const noise = noiseOf(5);
    let drawn = 5;
    const randomly: Explanation = { map: noise, again: async ({ inputs }) => (inputs ? noiseOf(++drawn) : noise) };
    const ready = readyMetric({ name, parameters: name === 'road' ? { noise: 0 } : {} });
    const { score } = await scoreWith(ready, question, perfect);
    const randomScore = (await scoreWith(ready, question, randomly)).score;
    // p(x) of the template is .99966, not 1; sums of the other models in float32 leave 1e-7.
    expect(score).toBeCloseTo(theory, on === 'template' ? 3 : 6);
    const [least, most] = ready.metric.range;
    for (const value of [score, randomScore]) {
      expect(value).toBeGreaterThanOrEqual(least - 1e-9);
      expect(value).toBeLessThanOrEqual(most + 1e-9);
    }
    const advantage = ready.metric.direction === 'higher' ? score - randomScore : randomScore - score;
    if ('score' in chance) expect(randomScore).toBeCloseTo(chance.score, 9);
    else expect(advantage).toBeGreaterThanOrEqual(chance.margin);
  });

  it.each(['road', 'sensitivity-n', 'faithfulness-correlation'] as const)(
    '%s of a random map is as far above 0 as that of its opposite is below: chance is 0',
    async (name) => {
      const question = await (scenes.get('sum') as Promise<Question>);
      const ready = readyMetric({ name, parameters: name === 'road' ? { noise: 0 } : {} });
      let sum = 0;
      for (let seed = 1; seed <= 20; seed++) {
        const { values } = noiseOf(seed);
        const { score } = await scoreWith(ready, question, { map: { values } });
        const opposite = { map: { values: values.map((value) => -value) } };
        expect((await scoreWith(ready, question, opposite)).score).toBeCloseTo(-score, 9);
        sum += score;
      }
      // Single scores spread by up to .3: four standard errors of the mean of 20.
      expect(Math.abs(sum / 20)).toBeLessThan(0.27);
    },
  );

  it('infidelity of a random map: β is 0 for it or for its opposite, which leaves all of the measurement', async () => {
    const question = await (scenes.get('sum') as Promise<Question>);
    const ready = readyMetric({ name: 'infidelity' });
    for (let seed = 1; seed <= 20; seed++) {
      const { values } = noiseOf(seed);
      const scores = [values, values.map((value) => -value)].map((map) =>
        scoreWith(ready, question, { map: { values: map } }),
      );
      expect(Math.max(...(await Promise.all(scores)).map(({ score }) => score))).toBeCloseTo(1, 9);
    }
  });

  it('max-sensitivity of the gradient of a linear model is exactly 0', async () => {
    const question = await (scenes.get('sum') as Promise<Question>);
    const gradient = async (inputs: Tensors) => {
      const { values } = await attribute(question.model, { inputs, target: question.target, method: 'gradient' });
      return mapOf(values, question.groups, imageLayout);
    };
    const map = await gradient(question.inputs);
    expect(Math.max(...map.values)).toBeCloseTo(1 / object.length, 6);
    const again: Explanation['again'] = ({ inputs = question.inputs }) => gradient(inputs);
    const { score } = await scoreWith(readyMetric({ name: 'max-sensitivity' }), question, { map, again });
    expect(score).toBe(0);
  });
});
