import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ValueInfo } from '../../onnx/graph.ts';
import { findPreprocessing, readLabels } from './preprocessing-file.ts';
import { checkPreprocessing, completePreprocessing } from './preprocessing-text.ts';
import { formatPreprocessing, parsePreprocessing } from './preprocessing-yaml.ts';

const squeezenet = `
task: classification
inputs:
  data_0:
    kind: image
    size: [224, 224]
    colour: BGR
    scale: 1
    mean: [103.939, 116.779, 123.68]
outputs:
  softmaxout_1: { kind: probabilities }
labels: imagenet_classes.txt
`;

describe('parsePreprocessing', () => {
  it('fills in the defaults', () => {
    expect(parsePreprocessing(squeezenet)).toEqual({
      task: 'classification',
      inputs: {
        data_0: {
          kind: 'image',
          size: [224, 224],
          resize: 'stretch',
          kernel: 'bilinear',
          layout: 'NCHW',
          colour: 'BGR',
          scale: 1,
          mean: [103.939, 116.779, 123.68],
          std: 1,
        },
      },
      outputs: { softmaxout_1: { kind: 'probabilities' } },
      labels: 'imagenet_classes.txt',
    });
    expect(parsePreprocessing('')).toEqual({ inputs: {}, outputs: {} });
    expect(parsePreprocessing('detection: { format: yolox }').detection).toEqual({
      format: 'yolox',
      strides: [8, 16, 32],
    });
  });

  it('writes what it reads', () => {
    const read = parsePreprocessing(squeezenet);
    expect(parsePreprocessing(formatPreprocessing(read))).toEqual(read);
  });

  it('checks what was put together from flags', () => {
    const input = { kind: 'image', size: [8, 8], scale: 1 } as const;
    expect(completePreprocessing({ inputs: { x: { ...input, size: [8, 8] } } }).inputs.x).toMatchObject({
      colour: 'RGB',
      std: 1,
    });
    expect(() => completePreprocessing({ inputs: { x: { ...input, size: [8, 8], std: 0 } } }, '--std')).toThrow(
      '--std: inputs.x.std: a std of 0 divides by zero',
    );
  });

  const image = (lines: string) => `inputs:\n  x:\n    kind: image\n    size: [8, 8]\n${lines}`;
  it.each([
    [
      'an unknown key',
      image('    range: [0, 1]\n    colr: BGR'),
      /^w\.yaml: line 6: inputs\.x: unknown key "colr": did you mean "colour"\?$/,
    ],
    ['an unknown key at the top', 'lables: a.txt', /line 1: unknown key "lables": did you mean "labels"\?/],
    [
      'a value that is near',
      image('    range: [0, 1]\n    resize: letterbx'),
      /line 6: inputs\.x\.resize: got "letterbx", expected stretch, crop, letterbox: did you mean "letterbox"\?/,
    ],
    [
      'an unknown kind',
      'inputs:\n  x:\n    kind: imag',
      /line 3: inputs\.x\.kind: got "imag", expected image, .*: did you mean "image"\?/,
    ],
    ['no kind', 'inputs:\n  x:\n    size: [1, 1]', /line 2: inputs\.x\.kind: missing, expected image/],
    ['no range', image(''), /inputs\.x\.range: give one of range and scale/],
    ['range and scale', image('    range: [0, 1]\n    scale: 1'), /line 6: inputs\.x\.scale: give one of/],
    ['a mean of two', image('    scale: 1\n    mean: [1, 2]'), /line 6: inputs\.x\.mean: 2 numbers for 3 channels/],
    ['a std of zero', image('    scale: 1\n    std: [1, 0, 1]'), /line 6: inputs\.x\.std: a std of 0 divides by zero/],
    [
      'a pad without letterbox',
      image('    scale: 1\n    pad: 3'),
      /line 6: inputs\.x\.pad: only with resize: letterbox/,
    ],
    [
      'a size that is text',
      'inputs:\n  x: { kind: image, size: big, scale: 1 }',
      /line 2: inputs\.x\.size: got "big", expected a list of fixed length, as \[224, 224\]/,
    ],
    ['not YAML', 'inputs: [1, 2\nx: 3', /^w\.yaml, line \d+: not YAML: /],
    ['two mistakes', 'taks: detection\nlables: x', /unknown key "taks": did you mean "task"\?, unknown key "lables"/],
  ])('%s', (_, text, message) => {
    expect(() => parsePreprocessing(text, 'w.yaml')).toThrow(message);
  });
});

describe('files beside a model', () => {
  it('finds the preprocessing and its labels; the one of the model goes first', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wherefore-yaml-'));
    try {
      const model = join(folder, 'net.onnx');
      expect(await findPreprocessing(model)).toBeUndefined();
      writeFileSync(join(folder, 'wherefore.yaml'), 'labels: names.json');
      writeFileSync(join(folder, 'names.json'), '{"0": "cat", "1": "dog"}');
      expect(await findPreprocessing(model)).toMatchObject({
        labels: ['cat', 'dog'],
        path: join(folder, 'wherefore.yaml'),
      });
      writeFileSync(join(folder, 'net.wherefore.yaml'), 'labels: [a, b, c]');
      expect(await findPreprocessing(model)).toMatchObject({ labels: ['a', 'b', 'c'] });

      writeFileSync(join(folder, 'lines.txt'), 'tench\r\ngreat white shark\n');
      expect(await readLabels(join(folder, 'lines.txt'))).toEqual(['tench', 'great white shark']);
      writeFileSync(join(folder, 'gap.json'), '{"0": "cat", "2": "dog"}');
      await expect(readLabels(join(folder, 'gap.json'))).rejects.toThrow(/without gaps/);
      writeFileSync(join(folder, 'empty.txt'), ' ');
      await expect(readLabels(join(folder, 'empty.txt'))).rejects.toThrow(/is empty/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('checkPreprocessing', () => {
  const value = (name: string, shape: ValueInfo['shape']): ValueInfo => ({ name, type: 'float32', shape });
  const model = { inputs: [value('data_0', ['N', 3, 224, 224])], outputs: [value('softmaxout_1', [1, 4, 1, 1])] };
  const check = (text: string, labels?: string[]) =>
    checkPreprocessing({ preprocessing: parsePreprocessing(text), labels, path: 'w.yaml' }, model);

  it('accepts what fits', () => {
    expect(() => check(squeezenet, ['a', 'b', 'c', 'd'])).not.toThrow();
  });

  it('refuses names and shapes that do not', () => {
    expect(() => check('inputs: { data_O: { kind: tensor } }')).toThrow(/no input "data_O".*did you mean "data_0"/);
    expect(() => check('outputs: { x: { kind: logits } }')).toThrow(/no output "x"/);
    expect(() => check('inputs: { data_0: { kind: image, size: [224, 224], layout: NHWC, scale: 1 } }')).toThrow(
      /got NHWC N×224×224×3, expected N×3×224×224/,
    );
    expect(() => check(squeezenet, ['a'])).toThrow(/got 1 labels, expected 4/);
  });
});
