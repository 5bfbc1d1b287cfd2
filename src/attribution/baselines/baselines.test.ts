import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import type { Tokenizer } from '../../data/inputs/tokenizer.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import { describeBaseline, resolveBaselines } from '../baseline.ts';
import { checkBaseline } from '../stated-baseline.ts';
import { baselineKinds, baselineSchema, type InputBaseline } from './index.ts';
import type { BaselineSurroundings } from './kind.ts';
import { baselineText, readBaseline } from './text.ts';

// One suite that every kind of baseline of the table passes, in each form in which it is written.
const other = new Map([['x', float32([1, 4], [9, 8, 7, 6])]]);
const tokenizer = { size: 10, special: [1, 2], textOf: (id: number) => `t${id}` } as unknown as Tokenizer;
const surroundings: BaselineSurroundings = {
  tokenizer: async () => tokenizer,
  token: async (name) => ({ tokenizer, id: 3, token: `[${name}]` }),
  sample: async (place) => ({ tensors: other, description: place, texts: [] }),
  file: async (path) => () => ({ kind: 'input', tensors: other, description: path }),
  colour: (_, [red], description) => ({ kind: 'input', tensor: float32([1, 4], [red, 0, 0, 0]), description }),
};

/** What stands for the words in capitals of a form, and for a colour and a file. */
const examples: readonly (readonly [RegExp, string])[] = [
  [/NUMBER/, '-0.5'],
  [/SIGMA/, '2'],
  [/SEED|ID/, '4'],
  [/PLACE.*/, 'rows.csv#1,2'],
  [/^#rrggbb$/, '#ff0080'],
  [/^or a file$/, './other.npy'],
];
const written = (form: string) => examples.reduce((text, [what, example]) => text.replace(what, example), form);

const cases = Object.entries(baselineKinds).flatMap(([kind, row]) =>
  row.forms.map(({ text }) => ({ kind, text: written(text), row })),
);

describe.each(cases)('$text', ({ kind, text, row }) => {
  const read = async () => (await readBaseline(text, surroundings))({} as ModelInput) as InputBaseline;

  it('is read as its kind, checked, recorded and put into words', async () => {
    const baseline = await read();
    expect(baseline.kind).toBe(kind);
    expect(checkBaseline(baseline)).toBe(baseline);
    expect(describeBaseline(baseline).length).toBeGreaterThan(3);
    const recorded = baselineSchema.parse(JSON.parse(JSON.stringify(row.document.parse(baseline))));
    expect(recorded.kind).toBe(kind);
    // What lies beside the document is all that it leaves out.
    if (!row.beside) expect(recorded).toEqual(baseline);
    if (row.check || Object.keys(row.stated.shape).length > 0)
      expect(() => checkBaseline({ kind })).toThrow(/baseline/);
  });

  it('is written back as a text that reads the same', async () => {
    const baseline = await read();
    if (row.write(baseline) === undefined) expect(() => baselineText(baseline)).toThrow(/cannot be written/);
    else expect((await readBaseline(baselineText(baseline), surroundings))({} as ModelInput)).toEqual(baseline);
  });

  it('gives an input of the same form', async () => {
    const input = row.replaces === 'tokens' ? int64([1, 4], [1, 5, 6, 2]) : float32([1, 4], [1, 2, 3, 4]);
    const layout = { spatialAxes: [1] };
    const [first] = resolveBaselines(new Map([['x', input]]), ['x'], await read(), layout);
    expect(first.get('x')).toMatchObject({ type: input.type, shape: input.shape });
    expect(first.get('x')?.data).not.toEqual(input.data);
  });
});

describe('the table of baselines', () => {
  it('guesses what was meant', async () => {
    await expect(readBaseline('blak', surroundings)).rejects.toThrow(/Did you mean "?black/i);
    await expect(readBaseline('blurr:8', surroundings)).rejects.toThrow(/Did you mean "?blur:8/i);
    await expect(readBaseline('blur:x', surroundings)).rejects.toThrow(/got "?x"?, expected a number/);
  });

  it('is all that a kind needs beside its own file', () => {
    // A kind of plain values is named in its file and in the table; nothing else asks which kind a baseline is.
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const plain = Object.entries(baselineKinds).flatMap(([kind, { beside }]) => (beside ? [] : [kind]));
    const asks = new RegExp(`(kind|Kind)\\)? (===|!==) '(${plain.join('|')})'|case '(${plain.join('|')})'`);
    const asking = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .filter((path) => {
        const text = readFileSync(`${root}${path}`, 'utf8');
        return text.includes('Baseline') && asks.test(text);
      });
    expect(plain.length).toBeGreaterThan(5);
    expect(asking).toEqual([]);
    expect(asks.test("if (baseline.kind === 'blur')")).toBe(true);
  });
});
