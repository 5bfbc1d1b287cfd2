import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { type TextClassifier, writeTextClassifier } from '../../../test/text-models.ts';
import { preprocessingOf } from '../../explain/preprocessing-of.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { encodeModel } from '../../onnx/encode.ts';
import { float32, tensor } from '../../tensor/tensor.ts';
import { writePng } from '../formats/image.ts';
import { writeNpy } from '../formats/npy.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { loadModel } from '../model/load-model.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { usedBeside } from '../model/used-beside.ts';
import { unpackLimit } from './array-rows.ts';
import { readModelInputs } from './read-model-input.ts';

const root = mkdtempSync(join(tmpdir(), 'wherefore-sources-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const recordings = fileURLToPath(new URL('../../../test/fixtures/audio/', import.meta.url));
let folders = 0;
const folder = () => mkdtempSync(join(root, `${++folders}-`));

async function using<T>(path: string, work: (model: LoadedModel) => Promise<T>): Promise<T> {
  const model = await loadModel(path);
  try {
    return await work(model);
  } finally {
    await model.close();
  }
}

const read = (model: LoadedModel, source: string) => readModelInputs(model, source, preprocessingOf(model, {}));

/** A model y = Σ x of an input of this name and shape. */
function summing(path: string, name: string, shape: (number | string)[]): string {
  const b = new GraphBuilder();
  b.input(name, 'float32', shape);
  const axes = shape.map((_, axis) => axis).slice(1);
  b.op('ReduceSum', [name, b.ints(axes)], { keepdims: 0 }, { outputs: ['y'] });
  b.output('y', 'float32', ['N']);
  const graph = b.build();
  const opsets = new Map([['', 20]]);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(
    path,
    encodeModel({ irVersion: 9, producer: 'test', opsets, graph, functions: [], metadata: new Map() }),
  );
  return path;
}

const classifier: TextClassifier = { words: { good: [0, 1], bad: [1, 0], film: [0, 0] }, classes: 2 };

describe('texts', () => {
  it('a file with a text on each line, and one of paragraphs', async () => {
    const place = folder();
    const path = await writeTextClassifier(place, classifier);
    writeFileSync(join(place, 'lines.txt'), 'good film\r\nbad\n');
    writeFileSync(join(place, 'letter.txt'), 'good film\n\nbad film\n');
    await using(path, async (model) => {
      const lines = await read(model, join(place, 'lines.txt'));
      expect(lines.map(({ features }) => features?.texts.join(' '))).toEqual([
        '[CLS] good film [SEP]',
        '[CLS] bad [SEP]',
      ]);
      expect(lines[1].source).toMatch(/lines\.txt#1$/);
      expect(lines[1].notes.join()).toMatch(/each of the 2 lines/);
      expect(lines[1].notes.join()).not.toMatch(/attention_mask/);
      const letter = await read(model, join(place, 'letter.txt'));
      expect(letter.map(({ notes }) => notes.join())).toEqual([expect.stringMatching(/3 lines are read as one text/)]);
      const [second] = await read(model, `${join(place, 'letter.txt')}#1`);
      expect(second.features?.texts).toEqual(['[CLS]', 'bad', 'film', '[SEP]']);
      await expect(read(model, `${join(place, 'lines.txt')}#5`)).rejects.toMatchObject({ code: 'out-of-range' });
    });
  });

  it('a column of a table, and a folder of files', async () => {
    const place = folder();
    const path = await writeTextClassifier(place, classifier);
    writeFileSync(join(place, 'reviews.csv'), 'stars,review,answer\n5,good film,yes\n1,bad,no\n');
    writeFileSync(join(place, 'two.csv'), 'a,b\nx y z w,x y z v\ny z x v,q r s t\n');
    writeFileSync(join(place, 'rows.jsonl'), '{"text": "good"}\n{"text": "bad"}\n');
    mkdirSync(join(place, 'texts'));
    for (const [name, text] of Object.entries({ 'b.txt': 'bad', 'a.txt': 'good', 'c.dat': 'x' }))
      writeFileSync(join(place, 'texts', name), text);
    await using(path, async (model) => {
      const rows = await read(model, `${join(place, 'reviews.csv')}#1`);
      expect(rows[0].features?.texts[1]).toBe('bad');
      expect(rows[0].notes.join()).toMatch(/column "review"/);
      expect(await read(model, join(place, 'rows.jsonl'))).toHaveLength(2);
      await expect(read(model, join(place, 'two.csv'))).rejects.toThrow(/--text-column a/);
      const files = await read(model, join(place, 'texts'));
      expect(files.map(({ features }) => features?.texts[1])).toEqual(['good', 'bad']);
    });
  });

  it('a text longer than the tokenizer says is cut, with a note', async () => {
    const place = folder();
    const config = JSON.stringify({ model_max_length: 4 });
    const path = await writeTextClassifier(place, classifier, { 'tokenizer_config.json': config });
    await using(path, async (model) => {
      const [input] = await read(model, 'good film bad bad');
      expect(input.features?.texts).toEqual(['[CLS]', 'good', 'film', '[SEP]']);
      expect(input.notes.join()).toMatch(/longer than the 4 tokens that the model takes: 2 of 6 left out at its end/);
    });
  });

  it('a model of a fixed number of tokens gets them, with a mask over the rest', async () => {
    const path = await writeTextClassifier(folder(), { ...classifier, length: 5 });
    await using(path, async (model) => {
      const [short] = await read(model, 'good');
      expect([...(short.tensors.get('input_ids')?.data as BigInt64Array)].map(Number)).toEqual([2, 5, 3, 0, 0]);
      expect([...(short.tensors.get('attention_mask')?.data as BigInt64Array)].map(Number)).toEqual([1, 1, 1, 0, 0]);
      expect(short.notes.join()).toMatch(/filled up from 3 to 5 tokens/);
      expect(short.groups?.texts).toEqual(['[CLS]', 'good', '[SEP]', '[PAD] ×2']);
      const [long] = await read(model, 'good film bad bad');
      expect(long.tensors.get('input_ids')?.shape).toEqual([1, 5]);
      expect(long.notes.join()).toMatch(/1 of 6 left out/);
    });
  });

  it('a length that wherefore.yaml states is that of every text', async () => {
    const path = await writeTextClassifier(folder(), classifier, {}, 'model.onnx');
    writeFileSync(
      join(dirname(path), 'wherefore.yaml'),
      'inputs:\n  input_ids: { kind: text, tokenizer: tokenizer.json, length: 5 }\n  attention_mask: { kind: text, part: mask }\n',
    );
    await using(path, async (model) => {
      const [short] = await read(model, 'good');
      expect([...(short.tensors.get('input_ids')?.data as BigInt64Array)].map(Number)).toEqual([2, 5, 3, 0, 0]);
      expect([...(short.tensors.get('attention_mask')?.data as BigInt64Array)].map(Number)).toEqual([1, 1, 1, 0, 0]);
      const [long] = await read(model, 'good film bad bad');
      expect(long.tensors.get('input_ids')?.shape).toEqual([1, 5]);
    });
  });
});

describe('numbers', () => {
  it('need no name where the model has one input', async () => {
    await using(summing(join(folder(), 'model.onnx'), 'x', ['N', 3]), async (model) => {
      const [input] = await read(model, '[[1, -2.5, 3e2]]');
      expect(input.tensors.get('x')).toEqual(float32([1, 3], [1, -2.5, 300]));
      await expect(read(model, '[]')).rejects.toMatchObject({ code: 'file-not-found' });
    });
    await using(await writeTextClassifier(folder(), classifier), async (model) => {
      await expect(read(model, '[[2,5,3]]')).rejects.toThrow(/which input.*input_ids=\[…\], attention_mask=\[…\]/);
    });
  });
});

describe('folders', () => {
  it('of images and of arrays, in alphabetical order; some of them by place', async () => {
    const place = folder();
    const images = summing(join(place, 'images', 'model.onnx'), 'x', ['N', 3, 2, 2]);
    const arrays = summing(join(place, 'arrays', 'model.onnx'), 'x', ['N', 3]);
    const pixel = await writePng(tensor('uint8', [1, 1, 3], Uint8Array.of(9, 9, 9)));
    mkdirSync(join(place, 'data', 'more'), { recursive: true });
    for (const name of ['b.png', 'more/a.png', 'a.png']) writeFileSync(join(place, 'data', name), pixel);
    for (const name of ['2.npy', '1.npy'])
      writeFileSync(join(place, 'data', name), writeNpy(float32([1, 3], [Number(name[0]), 0, 0])));
    await using(images, async (model) => {
      const found = await read(model, join(place, 'data'));
      expect(found.map(({ source }) => source.split('/').slice(-2).join('/'))).toEqual([
        expect.stringMatching(/a\.png$/),
        expect.stringMatching(/b\.png$/),
        expect.stringMatching(/a\.png$/),
      ]);
      expect(await read(model, `${join(place, 'data')}#1-2`)).toHaveLength(2);
      await expect(read(model, `${join(place, 'data')}#3`)).rejects.toMatchObject({ code: 'out-of-range' });
    });
    await using(arrays, async (model) => {
      const found = await read(model, join(place, 'data'));
      expect(found.map(({ tensors }) => tensors.get('x')?.data[0])).toEqual([1, 2]);
      await expect(read(model, join(place, 'images'))).rejects.toThrow(/holds no/);
    });
  });
});

describe('recordings', () => {
  it('become samples at the rate that the processor beside the model names', async () => {
    const place = folder();
    const path = summing(join(place, 'model.onnx'), 'input_values', ['N', 'samples']);
    const config = { feature_extractor_type: 'Wav2Vec2FeatureExtractor', sampling_rate: 16000, do_normalize: true };
    writeFileSync(join(place, 'preprocessor_config.json'), JSON.stringify(config));
    await using(path, async (model) => {
      const preprocessing = preprocessingOf(model, {});
      expect(preprocessing.inputs.input_values).toEqual({ kind: 'audio', rate: 16000, normalise: true });
      expect(usedBeside(model, preprocessing).join()).toMatch(/preprocessor_config\.json \(the sampling rate\)/);
      for (const name of ['stereo.wav', 'stereo.flac']) {
        const [input] = await read(model, `${recordings}${name}`);
        const heard = input.tensors.get('input_values');
        // 900 samples of 8 kHz.
        expect(heard?.shape).toEqual([1, 1800]);
        expect(input.rate).toBe(16000);
        expect(input.layout).toEqual({ spatialAxes: [1] });
        expect(input.notes.join('; ')).toMatch(/2 channels mixed.*resampled from 8000 to 16000.*variance 1/);
        const values = heard?.data as Float32Array;
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
        expect(mean).toBeCloseTo(0, 5);
        // 10⁻⁷ over a variance of about .2
        expect(variance).toBeCloseTo(1, 5);
      }
    });
  });

  it('fit an input of channels and a fixed length, and say what is not known', async () => {
    const path = summing(join(folder(), 'model.onnx'), 'x', ['N', 1, 1000]);
    await using(path, async (model) => {
      const [input] = await read(model, `${recordings}pcm_16.wav`);
      expect(input.tensors.get('x')?.shape).toEqual([1, 1, 1000]);
      expect(input.notes.join('; ')).toMatch(/nobody says which rate.*0\.0125 s of silence added/);
    });
    const spectrogram = summing(join(folder(), 'model.onnx'), 'input_features', ['N', 80, 3000]);
    await using(spectrogram, async (model) => {
      await expect(read(model, `${recordings}pcm_16.wav`)).rejects.toThrow(/no input of the model takes a recording/);
    });
  });
});

describe('image processors beside a model', () => {
  const config = {
    image_processor_type: 'CLIPImageProcessor',
    size: { shortest_edge: 3 },
    crop_size: { height: 2, width: 2 },
    resample: 3,
  };

  it('are followed, and listed among what was used', async () => {
    const place = folder();
    const path = summing(join(place, 'onnx', 'model.onnx'), 'pixel_values', ['batch', 'channels', 'height', 'width']);
    writeFileSync(join(place, 'preprocessor_config.json'), JSON.stringify(config));
    await using(path, async (model) => {
      const preprocessing = preprocessingOf(model, {});
      expect(preprocessing.inputs.pixel_values).toMatchObject({
        kind: 'image',
        size: [2, 2],
        resize: 'crop',
        shorterSide: 3,
        kernel: 'bicubic',
        centre: 'up',
        layout: 'NCHW',
        mean: [0.48145466, 0.4578275, 0.40821073],
      });
      expect(usedBeside(model, preprocessing).join()).toMatch(
        /preprocessor_config\.json \(how images become the input\)/,
      );
    });
  });

  it('that do not fit the model, or leave the size open, are left with the reason', async () => {
    const place = folder();
    const path = summing(join(place, 'model.onnx'), 'x', ['N', 3, 4, 4]);
    writeFileSync(join(place, 'preprocessor_config.json'), JSON.stringify(config));
    await using(path, async (model) => {
      const preprocessing = preprocessingOf(model, {});
      expect(preprocessing.inputs.x).toMatchObject({ size: [4, 4], resize: 'stretch' });
      expect(usedBeside(model, preprocessing).join()).toMatch(/was not used: it makes 2×2 in colour/);
    });
    const open = folder();
    cpSync(path, join(open, 'model.onnx'));
    const detr = { image_processor_type: 'DetrImageProcessor', size: { shortest_edge: 800, longest_edge: 1333 } };
    writeFileSync(
      join(open, 'preprocessor_config.json'),
      JSON.stringify({ ...detr, image_mean: [0, 0, 0], image_std: [1, 1, 1] }),
    );
    await using(join(open, 'model.onnx'), async (model) => {
      expect(usedBeside(model, preprocessingOf(model, {})).join()).toMatch(/was not used: .*longest_edge/);
    });
  });
});

describe('arrays of many rows', () => {
  it('are inputs row by row, named behind the file', async () => {
    const place = folder();
    const path = summing(join(place, 'm.onnx'), 'x', ['N', 2]);
    const file = join(place, 'rows.npy');
    writeFileSync(file, writeNpy(float32([3, 2], [1, 2, 3, 4, 5, 6])));
    await using(path, async (model) => {
      const inputs = await read(model, `${file}#0,2`);
      expect(inputs.map(({ tensors }) => tensors.get('x'))).toEqual([float32([1, 2], [1, 2]), float32([1, 2], [5, 6])]);
      expect(inputs[1].source).toMatch(/rows\.npy#2$/);
      expect(inputs[0].hash).toBe((await read(model, `${file}#1`))[0].hash);
      await expect(read(model, file)).rejects.toThrow(/several items.*rows\.npy#0-9/s);
      await expect(read(model, `${file}#3`)).rejects.toThrow(/no such row.*got #3, expected #0 to #2/);
    });
  });

  it('unpack to what their size allows', async () => {
    expect([1e6, 2 ** 24, 2 ** 30].map(unpackLimit)).toEqual([2 ** 28, 2 ** 29, 2 ** 33]);
    const place = folder();
    const path = summing(join(place, 'm.onnx'), 'x', ['N', 2]);
    const file = join(place, 'zeros.npz');
    // 257 MiB of zeros in a quarter of a megabyte.
    writeFileSync(
      file,
      zipSync({ 'x.npy': writeNpy(float32([257 * 2 ** 17, 2], new Float32Array(257 * 2 ** 18))) }, { level: 1 }),
    );
    await using(path, async (model) => {
      await expect(read(model, `${file}#0`)).rejects.toThrow(/zeros\.npz/);
    });
  });

  it('of several inputs have as many rows each', async () => {
    const place = folder();
    const b = new GraphBuilder();
    for (const name of ['a', 'b']) b.input(name, 'float32', ['N', 2]);
    b.op('Add', ['a', 'b'], {}, { outputs: ['y'] });
    b.output('y', 'float32', ['N', 2]);
    const parts = { irVersion: 9, producer: 'test', opsets: new Map([['', 20]]), functions: [], metadata: new Map() };
    writeFileSync(join(place, 'm.onnx'), encodeModel({ ...parts, graph: b.build() }));
    const pair = (rows: number) =>
      writeSafetensors(
        new Map([
          ['a', float32([2, 2], [1, 2, 3, 4])],
          ['b', float32([rows, 2], new Float32Array(2 * rows).fill(rows))],
        ]),
      );
    writeFileSync(join(place, 'two.safetensors'), pair(2));
    writeFileSync(join(place, 'odd.safetensors'), pair(3));
    await using(join(place, 'm.onnx'), async (model) => {
      const [second] = await read(model, `${join(place, 'two.safetensors')}#1`);
      expect([second.tensors.get('a'), second.tensors.get('b')]).toEqual([
        float32([1, 2], [3, 4]),
        float32([1, 2], [2, 2]),
      ]);
      const odd = read(model, `${join(place, 'odd.safetensors')}#1`);
      await expect(odd).rejects.toThrow(/do not have as many rows each.*"a" 2×2, "b" 3×2/);
    });
  });
});
