import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { handModel } from '../../../test/attribution-models.ts';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, sizeOf } from '../../tensor/tensor.ts';
import { pointOf, pointsOf } from '../points.ts';
import { prepare } from '../prepare.ts';
import type { Said, TargetSurroundings } from './kind.ts';
import { type Target, targetKinds, targetSchema } from './kinds/index.ts';
import { checkTarget } from './stated-target.ts';
import { describeTarget } from './target.ts';
import { readTarget, targetForms, targetText } from './text.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

// One suite that every kind of target of the table passes, in each form in which it is written.
const labels = ['dog', 'cat', 'zebra'];
const surroundings: TargetSurroundings = {
  labels,
  embedding: async () => ({ output: 'y', values: [1, 0, 0] }),
};
const said: Said = {
  summary: { output: 'y' },
  detections: [{ anchor: 1, class: 1, score: 0.9, box: [0, 0, 4, 4] }],
  tokenClasses: new Map([[1, 2]]),
  segmentation: { size: [2, 2], classes: Uint32Array.of(1, 1, 0, 1) },
};

/** What stands for the words in capitals of a form. */
const examples: readonly (readonly [RegExp, string])[] = [
  [/CLASS#2.*/, 'cat#1'],
  [/^CLASS$|"label"|\bCLASS\b|\bA\b/, 'cat'],
  [/\bB\b/, 'zebra'],
  [/POSITION|ANCHOR|WORD/, '1'],
  [/COORDINATE|\bID\b/, '2'],
  [/TOP,LEFT,BOTTOM,RIGHT/, '0,0,1,2'],
  [/LEFT,TOP,RIGHT,BOTTOM/, '0,0,4,4'],
  [/INPUT/, 'other.png'],
  [/^OUTPUT\[i,j,…\]$/, 'y[0]'],
  [/^a formula such as .*$/, 'y[2] - max(y[0], y[1])'],
];
const written = (form: string) => examples.reduce((text, [what, example]) => text.replace(what, example), form);

const cases = Object.entries(targetKinds).flatMap(([kind, row]) =>
  row.forms.flatMap(({ text }) =>
    text
      .replace('a formula such as', 'a formula such_as')
      .split(/, (?=detection:)| or /)
      .map((form) => ({ kind, row, text: written(form.replace('such_as', 'such as')) })),
  ),
);

/** Shapes of an output that each kind is about, for one input. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  tokenLogProbability: [2, 3],
  tokenClass: [2, 3],
  detectionScore: [2, 8],
  boxCoordinate: [2, 8],
  region: [3, 2, 2],
};

describe.each(cases)('$text', ({ kind, row, text }) => {
  const read = async (): Promise<Target> => {
    const choice = await readTarget(text, surroundings);
    return typeof choice === 'function' ? choice({ source: 'a.png' } as ModelInput, said) : choice;
  };

  it('is read as its kind, checked, recorded and put into words', async () => {
    const target = await read();
    expect(target.kind).toBe(kind);
    checkTarget(target);
    expect(targetSchema.parse(JSON.parse(JSON.stringify(target)))).toEqual(target);
    expect(describeTarget(target, labels).length).toBeGreaterThan(3);
    expect(() => checkTarget({ kind })).toThrow(/of a target of kind/);
  });

  it('is written back as a text that reads the same', async () => {
    const target = await read();
    if (row.write(target, String) === undefined) expect(() => targetText(target, labels)).toThrow(/cannot be written/);
    else {
      // A text says what of an output, not which output that is.
      const { output, ...own } = target;
      expect(await readTarget(targetText(target, labels), surroundings)).toMatchObject(own);
    }
  });

  it('gives one number for each input, with a session that targets of its form share', async () => {
    const shape = [2, ...(shapes[kind] ?? [3])];
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['batch', ...shape.slice(1)]);
    builder.op('Softplus', ['x'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', ...shape.slice(1)]);
    const model = handModel(runtime, builder.build());
    const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i));
    const one = new Map([['x', float32([1, ...shape.slice(1)], values.slice(0, values.length / 2))]]);
    const prepared = await prepare(model, one, await read());
    const both = await prepared.evaluate(pointsOf(new Map([['x', float32(shape, values)]]), 2));
    expect(both.target).toHaveLength(2);
    expect(both.target[0]).not.toBe(both.target[1]);
    // The same number alone: float32 sums in another order.
    expect((await prepared.evaluate(pointOf(one))).target[0]).toBeCloseTo(both.target[0], 5);
  });
});

describe('the table of targets', () => {
  it('has a form for every kind, all of which help shows', () => {
    expect(new Set(cases.map(({ kind }) => kind))).toEqual(new Set(Object.keys(targetKinds)));
    for (const { forms } of Object.values(targetKinds))
      for (const { text } of forms) expect(targetForms).toContain(text);
  });

  it('is all that a kind needs beside its own file', () => {
    // Nothing asks for a kind but pages and texts, which have words of their own for a few, and the learned explainer of classes.
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const kinds = Object.keys(targetKinds).join('|');
    const asks = new RegExp(`[tT]arget\\)?\\.kind (===|!==) '(${kinds})'`);
    const asking = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .filter((path) => {
        const text = readFileSync(`${root}${path}`, 'utf8');
        return asks.test(text);
      })
      .map((path) => path.replaceAll('\\', '/'));
    expect(
      asking.filter(
        (path) => !/^(page\/explanation\/|report\/told-facts\.ts|attribution\/methods\/lax\.ts)/.test(path),
      ),
    ).toEqual([]);
    expect(asks.test("if (target.kind === 'region')")).toBe(true);
  });
});
