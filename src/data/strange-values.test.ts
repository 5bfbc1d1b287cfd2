import { describe, expect, it } from 'vitest';
import { parseModelConfig } from './model/model-config.ts';
import { parsePreprocessing } from './model/preprocessing-yaml.ts';
import { readImageProcessor } from './model/preprocessor-config.ts';

describe('an object that cannot be written as a text, where a name should stand', () => {
  // String({ toString: 1 }) throws a TypeError.
  const strange = { toString: 1, valueOf: 1 };

  it.each([
    ['task', `task: ${JSON.stringify(strange)}`],
    ['kind of an input', `inputs: { x: { kind: ${JSON.stringify(strange)} } }`],
    [
      'encoding of a column',
      `inputs: { x: { kind: table, columns: [{ name: a, encode: ${JSON.stringify(strange)} }] } }`,
    ],
  ])('is refused in wherefore.yaml: %s', (_, text) => {
    expect(() => parsePreprocessing(text)).toThrow(/got \{"toString":1,"valueOf":1\}/);
  });

  it('says nothing in a config.json', () => {
    const json = JSON.stringify({
      architectures: [strange],
      model_type: strange,
      pad_token_id: strange,
      max_position_embeddings: 512,
    });
    expect(parseModelConfig(json)).toMatchObject({ longest: 512, task: undefined });
  });

  it('names no image processor, and neither does what every object inherits', () => {
    expect(readImageProcessor({ image_processor_type: strange }, 'preprocessor_config.json')).toBeUndefined();
    expect(readImageProcessor({ image_processor_type: 'constructor' }, 'preprocessor_config.json')).toBeUndefined();
  });
});

describe('positions of a config.json', () => {
  it('begin behind the padding token for RoBERTa: 514 − 1 − 1', () => {
    const config = { model_type: 'roberta', max_position_embeddings: 514, pad_token_id: 1 };
    expect(parseModelConfig(JSON.stringify(config)).longest).toBe(512);
    expect(parseModelConfig(JSON.stringify({ ...config, pad_token_id: 600 })).longest).toBeUndefined();
  });
});
