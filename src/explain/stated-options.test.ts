import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attribute } from '../attribution/attribute.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { gradientsOf } from '../runtime/gradient.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { explain } from './explain.ts';
import { inspect } from './inspect.ts';

const demo = (path: string) => fileURLToPath(new URL(`../../examples/demo/${path}`, import.meta.url));
const runtime = createNodeRuntime({ threads: 1 });
let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel(demo('model/shapes.onnx'), { runtime });
});
afterAll(async () => {
  await model.close();
  await runtime.close();
});
const run = (options: unknown) => explain(model, demo('images/tree-with-mark.png'), options as never);

describe('what is no model', () => {
  it.each<[unknown, RegExp]>([
    ['model.onnx', /^this is no model \(got the text "model.onnx", .*loadModel\("model.onnx"\)/],
    [undefined, /^this is no model \(got undefined/],
    [{ graph: {} }, /^this is no model \(got object/],
  ])('%j is refused by everything that takes one', async (wrong, message) => {
    const none = wrong as never;
    await expect(explain(none, 'a.png')).rejects.toThrow(message);
    await expect(attribute(none, {} as never)).rejects.toThrow(message);
    await expect(inspect(none)).rejects.toThrow(message);
    await expect(gradientsOf(none, {} as never)).rejects.toThrow(message);
  });

  it.each([[undefined], [5], [null]])('loadModel of %j', async (source) => {
    await expect(loadModel(source as never)).rejects.toThrow(/^this is no model file/);
  });
});

describe('options of a program', () => {
  it.each([
    [null, /the options of explain \(got null/],
    ['gradient', /the options of explain \(got "gradient"/],
    [{ methode: ['gradient'] }, /explain has no option "methode": did you mean "methods"\?/],
    [{ method: 'gradient', methods: 'occlusion' }, /both method and methods/],
    [{ layer: 'input', layers: 'input' }, /both layer and layers/],
    [{ layer: 3 }, /layers: not a name \(got number 3/],
    [{ methods: 3 }, /methods: not a name \(got number 3, expected a name, or a list of names\)/],
    [{ methods: [null] }, /methods: not a name \(got null/],
    [{ layers: [{}] }, /layers: not a name/],
    [{ target: 'tree' }, /this is no target \(got "tree", expected an object with one of the kinds classLogit/],
    [{ target: [null] }, /this is no target \(got null/],
    [{ target: 3 }, /this is no target \(got number 3/],
    [{ target: [undefined] }, /this is no target \(got undefined/],
    [{ target: { kind: 'classLogits', class: 1 } }, /no such kind of target: did you mean "classLogit"\?/],
    [{ target: { kind: 'classLogit' } }, /class of a target of kind classLogit \(got nothing, expected a number\)/],
    [{ target: { kind: 'classLogit', class: 'tree' } }, /class of a target of kind classLogit \(got "tree"/],
    [{ parameters: 3 }, /parameters of explain \(got number 3/],
    [{ parameters: { gradient: 3 } }, /the parameters of gradient \(got number 3, expected an object\)/],
  ])('%j', async (options, message) => {
    await expect(run(options)).rejects.toThrow(message);
    await expect(run(options)).rejects.toMatchObject({ name: 'WhereforeError' });
  });

  it.each(['methods', 'method'])('take a single name of %s for a list of one', async (option) => {
    const [one, ...others] = await run({ [option]: 'gradient', layers: 'input' });
    expect(others).toEqual([]);
    expect(one.document.method).toBe('gradient');
  });
});
