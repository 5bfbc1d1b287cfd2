import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { batchingCheck } from '../attribution/prepare.ts';
import { writePng } from '../data/formats/image.ts';
import { readNpz } from '../data/formats/npz.ts';
import { tensor } from '../tensor/tensor.ts';

const models = fileURLToPath(new URL('../../test/fixtures/command-line/', import.meta.url));
const classifier = join(models, 'classifier.onnx');
const folder = mkdtempSync(join(tmpdir(), 'wherefore-commands-'));
const image = join(folder, 'image.png');
let runs = 0;
const newFolder = () => join(folder, `runs-${++runs}`);

beforeAll(async () => {
  writeFileSync(
    image,
    await writePng(
      tensor(
        'uint8',
        [20, 20, 3],
        Uint8Array.from({ length: 1200 }, (_, i) => (i * 37) % 256),
      ),
    ),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The document files of the only run in a folder. */
function documentsOf(out: string): string[] {
  const [run] = readdirSync(out);
  return readdirSync(join(out, run))
    .filter((name) => /^\d.*\.json$/.test(name))
    .map((name) => join(out, run, name));
}

describe('explain and replay', () => {
  it.each([
    ['an image against a colour', [image, '--model', classifier, '--baseline', 'grey', '--layer', 'input,sum']],
    ['an image against another', [image, '--model', classifier, '--baseline', image, '--method', 'gradient-x-input']],
    ['noise, by occlusion', [image, '--model', classifier, '--baseline', 'noise:3', '--method', 'occlusion']],
    ['tokens', ['ids=[[1,2,3,4]]', '--model', join(models, 'tokens.onnx'), '--target', 'logits[2]']],
    ['trees', ['row=[[1,2,3]]', '--model', join(models, 'tree.onnx'), '--baseline', 'constant:0.25']],
    ['two targets', [image, '--model', classifier, '--target', 'star', '--target', 'difference:star,circle']],
  ])('%s: the same numbers again, element by element', async (_, words) => {
    const out = newFolder();
    const made = await wherefore('explain', ...words, '--out', out);
    expect(made.errors).not.toMatch(/error/);
    expect(made.code).toBe(0);
    const documents = documentsOf(out);
    expect(documents.length).toBeGreaterThan(0);
    for (const document of documents) {
      const again = await wherefore('replay', document);
      expect(again).toMatchObject({ code: 0, errors: '' });
      expect(again.output).toMatch(/^identical in every element$/m);
    }
  });

  it('--score: scores in the document, on the page, in the terminal; replay is not disturbed', async () => {
    const out = newFolder();
    const words = [image, '--model', classifier, '--score', '--method', 'gradient-x-input,occlusion', '--out', out];
    const { code, output } = await wherefore('explain', ...words);
    expect(code).toBe(0);
    expect(output).toMatch(/MSI \(literal\) ↑/);
    const documents = documentsOf(out);
    const [first] = documents.map((path) => JSON.parse(readFileSync(path, 'utf8')));
    expect(first.scorecard.entries).toHaveLength(7);
    const run = JSON.parse(readFileSync(join(out, readdirSync(out)[0], 'run.json'), 'utf8'));
    expect(run.cost.forward).toBeGreaterThanOrEqual(first.cost.forward + 2 * first.scorecard.cost.forward - 10);
    expect(readFileSync(join(out, readdirSync(out)[0], 'index.html'), 'utf8')).toContain('class="score-table"');
    expect((await wherefore('replay', documents[0])).output).toMatch(/^identical in every element$/m);
  });

  it('takes the images of a folder as a sample of baselines', async () => {
    const others = join(folder, 'others');
    mkdirSync(others, { recursive: true });
    for (const seed of [1, 2, 3]) {
      const pixels = Uint8Array.from({ length: 1200 }, (_, i) => (i * 31 * seed) % 256);
      writeFileSync(join(others, `${seed}.png`), await writePng(tensor('uint8', [20, 20, 3], pixels)));
    }
    // 64 superpixels and three samples: thousands of coalitions would be too slow for a test.
    const words = [
      image,
      '--model',
      classifier,
      '--method',
      'expected-gradients,kernel-shap',
      '--set',
      'kernel-shap.samples=100',
      '--set',
      'expected-gradients.samples=30',
    ];
    const recorded = async (sample: string, isReplayed = true) => {
      const out = newFolder();
      const { code, errors } = await wherefore('explain', ...words, '--baseline', sample, '--out', out);
      expect(`${code} ${errors}`).not.toMatch(/error/);
      const documents = documentsOf(out);
      for (const document of isReplayed ? documents : []) {
        expect((await wherefore('replay', document)).output).toMatch(/^identical in every element$/m);
      }
      return JSON.parse(readFileSync(documents[0], 'utf8'));
    };
    const all = await recorded(`sample:${others}`);
    expect(all.baselineDescription).toBe('the average over 3 examples of others');
    const two = await recorded(`sample:${others}#0,2`);
    expect(two.baselineDescription).toBe('the average over 2 examples of others');
    expect(two.baselineValue).not.toBe(all.baselineValue);
    // The mean over the baselines' values, each as its own image gives it.
    const [first, third] = [await recorded(join(others, '1.png'), false), await recorded(join(others, '3.png'), false)];
    expect(two.baselineValue).toBeCloseTo((first.baselineValue + third.baselineValue) / 2, 5);
  });

  it.each([
    ['no example of that number', () => `sample:${join(folder, 'others')}#7`, /no such example/],
    ['a folder without images', () => `sample:${models}`, /image/],
    ['no folder', () => `sample:${join(folder, 'otters')}`, /there is no such file/],
  ])('a sample of %s is refused', async (_, sample, message) => {
    const words = [image, '--model', classifier, '--baseline', sample(), '--out', newFolder()];
    const { code, errors } = await wherefore('explain', ...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });

  it('takes a model that is reached by a link', async () => {
    const link = join(folder, 'linked.onnx');
    symlinkSync(classifier, link);
    const { code, errors } = await wherefore('explain', image, '--model', link, '--out', newFolder());
    expect(errors).not.toMatch(/error/);
    expect(code).toBe(0);
  });

  it('--score of a layer that lies over nothing: the explanation stays, with the reason', async () => {
    const out = newFolder();
    const words = [image, '--model', classifier, '--score', '--layer', 'flat', '--out', out];
    const { code, output } = await wherefore('explain', ...words);
    expect(code).toBe(0);
    expect(output).toMatch(/^note: no scorecard: the attribution at "flat" does not lie over the input/m);
  });

  it('prints what the model said, the target, the baseline, the error, the page', async () => {
    const out = newFolder();
    const { output } = await wherefore('explain', image, '--model', classifier, '--target', 'star', '--out', out);
    expect(output).toMatch(/^image\.png\n {2}the model says {2}\d "\w+" \d+ %/);
    expect(output).toMatch(/explained +logit of class 3 "star"/);
    expect(output).toMatch(/baseline +black image/);
    expect(output).toMatch(/input +integrated-gradients +-?[\d.]+ +-?[\d.]+ +<?[\d.]+ %/);
    expect(output).toMatch(/^page: .*index\.html\n +file:\/\//m);
  });

  it('a damaged document, missing tensors and another model are refused', async () => {
    const out = newFolder();
    await wherefore('explain', image, '--model', classifier, '--method', 'gradient', '--out', out);
    const [document] = documentsOf(out);
    const other = await wherefore('replay', document, '--model', join(models, 'tokens.onnx'));
    expect(other.code).toBe(1);
    expect(other.errors).toMatch(/not the model that was explained.*--any-model/);
    const text = readFileSync(document, 'utf8');
    writeFileSync(document, text.replace('"method": "gradient"', '"method": "gradients"'));
    const renamed = await wherefore('replay', document);
    expect(renamed.code).toBe(1);
    expect(renamed.errors).toMatch(/^error: .*gradients/);
    writeFileSync(document, text.slice(0, text.length >> 1));
    expect((await wherefore('replay', document)).code).toBe(1);
    writeFileSync(document, text);
    rmSync(document.replace('.json', '.safetensors'));
    const alone = await wherefore('replay', document);
    expect(alone.code).toBe(1);
    expect(alone.errors).toMatch(/^error: .*safetensors.*no such file/);
  });

  it('says which combinations were left out, and does the others', async () => {
    const words = ['explain', image, '--model', classifier, '--layer', 'sum,flat', '--method', 'grad-cam,gradient'];
    const { code, errors, output } = await wherefore(...words, '--out', newFolder());
    expect(code).toBe(0);
    expect(errors).toMatch(/left out at flat: grad-cam needs a layer with channels and space/);
    expect(output.match(/ (grad-cam|gradient) /g)).toEqual([' grad-cam ', ' gradient ', ' gradient ']);
  });
});

describe('--json', () => {
  it('prints the documents, the same at every run but for time and place', async () => {
    const explainJson = async () => {
      const { output, errors } = await wherefore(
        'explain',
        image,
        '--model',
        classifier,
        '--json',
        '--out',
        newFolder(),
      );
      expect(errors).toBe('');
      const { folder: run, explanations } = JSON.parse(output);
      expect(readdirSync(run)).toContain('run.json');
      return explanations.map(
        ({ created: _, command: __, cost, ...rest }: Record<string, Record<string, unknown>>) => ({
          ...rest,
          cost: { forward: cost.forward, backward: cost.backward },
        }),
      );
    };
    const first = await explainJson();
    // An image has two maps by default: at the input and at the last spatial layer.
    expect(first).toHaveLength(2);
    expect(first[0]).toMatchObject({ format: 'wherefore/explanation', method: 'integrated-gradients', isCut: true });
    const second = await explainJson();
    // Whether points may share a run is tested once for each model: by the forecast's trial, or, where that was cut short
    // on a busy machine, by the explanation, which then counts it.
    const forward = (one: { cost: { forward: number } }) => one.cost.forward;
    for (const [i, one] of second.entries())
      expect([0, batchingCheck, 2 * batchingCheck]).toContain(Math.abs(forward(one) - forward(first[i])));
    const uncounted = (all: typeof first) =>
      all.map(({ cost, ...rest }: { cost: Record<string, unknown> }) => ({ ...rest, backward: cost.backward }));
    expect(uncounted(second)).toEqual(uncounted(first));
  });

  it('inspect gives inputs, operators and layers', async () => {
    const { code, output } = await wherefore('inspect', classifier, '--json');
    expect(code).toBe(0);
    const inspection = JSON.parse(output);
    expect(inspection.inputs).toEqual([{ name: 'image', type: 'float32', shape: [1, 3, 12, 12] }]);
    expect(inspection.operators).toContainEqual({ operator: 'Conv', count: 2, gradient: 'exact' });
    const branch = inspection.layers.all.find(({ name }: { name: string }) => name === 'branch');
    expect(branch).toMatchObject({ isCut: false, shape: [1, 6, 12, 12] });
  });
});

describe('gradient', () => {
  it('writes exact shapes in float32, of inputs, values and parameters', async () => {
    const file = join(folder, 'g.npz');
    const words = ['gradient', join(models, 'tokens.onnx'), '--input', 'ids=[[1,2],[3,3]]', '--target', 'logits[1,2]'];
    const { code, output } = await wherefore(...words, '--wrt', 'embedding', 'parameters', '--out', file);
    expect(code).toBe(0);
    expect(output).toMatch(/embedding +2×2×5/);
    const tensors = readNpz(new Uint8Array(readFileSync(file)), file);
    expect([...tensors].map(([name, { type, shape }]) => `${name} ${type} ${shape}`)).toEqual([
      'embedding float32 2,2,5',
      'table float32 11,5',
      'w float32 5,3',
    ]);
    // The target reads the second row only, whose two tokens are the same: their gradients are, too.
    const embedding = [...(tensors.get('embedding')?.data as Float32Array)];
    expect(embedding.slice(0, 10)).toEqual(new Array(10).fill(0));
    expect(embedding.slice(10, 15)).toEqual(embedding.slice(15, 20));
    expect(embedding[10]).not.toBe(0);
    // Row 3 of the table is read twice.
    const table = [...(tensors.get('table')?.data as Float32Array)];
    table.slice(15, 20).forEach((value, i) => {
      expect(value).toBeCloseTo(2 * embedding[10 + i], 6);
    });
  });
});
