import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeRuntime, picture, pictureLayout, templateModel } from '../../test/evaluation-models.ts';
import { attribute } from '../attribution/attribute.ts';
import { type LoadedModel, loadModel } from '../data/load-model.ts';
import { encodeModel } from '../onnx/encode.ts';
import { renderScorecard } from './page-scorecard.ts';
import { scorecardDocument, scorecardSchema } from './scorecard-document.ts';

let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel(encodeModel(templateModel().source), { name: 'plus.onnx', threads: 1 });
});
afterAll(async () => {
  await model.close();
  await closeRuntime();
});

describe('the scorecard of an explanation', () => {
  it('comes from an attribution and its input, and is drawn as a table', async () => {
    const inputs = new Map([['x', picture([[4, 5]])]]);
    const baseline = { kind: 'zero' } as const;
    const target = { kind: 'classLogit', class: 0 } as const;
    const attribution = await attribute(model, {
      inputs,
      target,
      baseline,
      method: 'occlusion',
      parameters: { window: 1, stride: 1 },
      layout: pictureLayout,
    });
    const input = { source: 'a <picture>', hash: undefined, tensors: inputs, layout: pictureLayout, notes: [] };
    const document = await scorecardDocument(model, { input, baseline, explained: ['x'], attribution }, { seed: 1 });
    expect(scorecardSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
    const of = (name: string) => document.entries.find(({ metric }) => metric === name)?.score as number;
    // One pixel of the plus gone costs one match of 5, four times over: 5 · 4 = 20 of T = 20.
    expect(of('attribution-error')).toBeCloseTo(0, 5);
    // 1 − 5/144
    expect(of('msi-literal')).toBeCloseTo(0.9653, 3);
    const { html } = renderScorecard(document);
    expect(html).toContain('MSI (literal)');
    expect(html).toContain('zero input');
    expect(html).not.toContain('<ul class="chips">');
    expect(renderScorecard({ ...document, warning: 'it <shows>' }).html).toContain('it &#60;shows&#62;');
  });
});
