import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import { WhereforeError } from '../../errors.ts';
import type { Said, TargetSurroundings } from './kind.ts';
import { readTarget, targetText } from './text.ts';

const labels = ['tench', 'tabby, tabby cat', 'tiger cat', 'zebra', '7', 'cat [small] (1)', 'food: apple'];

function surroundings(names: readonly string[] | undefined): TargetSurroundings {
  return { labels: names, embedding: async () => ({ output: 'vector', values: [3, 4] }) };
}
const read = (text: string, names: readonly string[] | undefined = labels) => readTarget(text, surroundings(names));
/** The target that a text means for what a model said of an input. */
async function chosen(text: string, said: Said, names?: readonly string[]) {
  const choice = await read(text, names);
  return typeof choice === 'function' ? choice({ source: 'a.png' } as ModelInput, said) : choice;
}

describe('readTarget', () => {
  it.each([
    ['3', { kind: 'classLogit', class: 3 }],
    ['zebra', { kind: 'classLogit', class: 3 }],
    ['class:zebra', { kind: 'classLogit', class: 3 }],
    ['tabby, tabby cat', { kind: 'classLogit', class: 1 }],
    // A word that only one label has names it; "cat" stands in three.
    ['tabby', { kind: 'classLogit', class: 1 }],
    // Digits are a class number, even where a label is written the same.
    ['7', { kind: 'classLogit', class: 7 }],
    // Labels that look like an element of an output, or like a word and a colon.
    ['cat [small] (1)', { kind: 'classLogit', class: 5 }],
    ['food: apple', { kind: 'classLogit', class: 6 }],
    ['probability:tiger cat', { kind: 'classProbability', class: 2 }],
    ['log-odds:zebra', { kind: 'classLogOdds', class: 3 }],
    ['log-odds:zebra,tabby, tabby cat', { kind: 'classLogOdds', class: 3, against: 1 }],
    ['log-probability:0', { kind: 'classLogProbability', class: 0 }],
    ['difference:tabby, tabby cat,zebra', { kind: 'logitDifference', a: 1, b: 3 }],
    ['token:-1,403', { kind: 'tokenLogProbability', position: -1, id: 403 }],
    ['token:403', { kind: 'tokenLogProbability', position: -1, id: 403 }],
    ['detection:12,tabby, tabby cat', { kind: 'detectionScore', anchor: 12, class: 1 }],
    ['detection:12,zebra', { kind: 'detectionScore', anchor: 12, class: 3 }],
    ['box:12,2', { kind: 'boxCoordinate', anchor: 12, coordinate: 2 }],
    ['logits[3]', { kind: 'output', output: 'logits', index: [3] }],
    ['logits[-1,3]', { kind: 'output', output: 'logits', index: [-1, 3] }],
    ['a/b:0[1, 2]', { kind: 'output', output: 'a/b:0', index: [1, 2] }],
    // The names that TensorFlow gives begin as other forms do.
    ['probability:0[1]', { kind: 'output', output: 'probability:0', index: [1] }],
    ['loss[]', { kind: 'output', output: 'loss', index: [] }],
    ['logits[3] - max(logits[5], logits[7])', { kind: 'expression', text: 'logits[3] - max(logits[5], logits[7])' }],
    ['mean(mask[1,10:20,:])', { kind: 'expression', text: 'mean(mask[1,10:20,:])' }],
    ['y[0,:]', { kind: 'expression', text: 'y[0,:]' }],
    ['similar:b/c.png', { kind: 'similarity', to: [3, 4], description: 'c.png', output: 'vector' }],
  ])('%s', async (text, target) => {
    expect(await read(text)).toEqual(target);
  });

  it.each([
    ['cat', /3 labels with that word/],
    ['zebrra', /Did you mean "?zebra/i],
    ['-1', /a number from 0 up/],
    ['chance:1', /no such kind of target/],
    ['probabilty:zebra', /Did you mean "?probability:zebra/i],
    ['difference:1', /difference:A,B/],
    ['token:x', /a whole number/],
    ['box:1', /box:ANCHOR,COORDINATE/],
    ['', /expected CLASS or "label", logit:CLASS/],
    ['logits[a]', /name/],
    ['logits[3] - ', /got its end/],
    ['size(logits[3])', /functions sum/],
    ['detection:box(1,2,3)', /LEFT < RIGHT/],
    ['detection:box(5,0,3,9)', /LEFT < RIGHT/],
    ['similar:', /nothing to compare with/],
  ])('refuses %j', async (text, message) => {
    await expect(read(text)).rejects.toThrow(WhereforeError);
    await expect(read(text)).rejects.toThrow(message);
  });

  it('refuses a label where the model has none, with a way out', async () => {
    await expect(readTarget('zebra', surroundings(undefined))).rejects.toThrow(/class number/);
  });

  it('finds the row of a grid that shows a class best', async () => {
    const detections = [
      { anchor: 5, class: 1, score: 0.9 },
      { anchor: 8, class: 3, score: 0.7 },
      { anchor: 9, class: 3, score: 0.6 },
    ];
    const said: Said = { summary: { output: 'boxes' }, detections };
    expect(await chosen('detection:zebra', said)).toEqual({
      kind: 'detectionScore',
      output: 'boxes',
      anchor: 8,
      class: 3,
    });
    await expect(chosen('detection:zebra', { ...said, detections: detections.slice(0, 1) })).rejects.toThrow(
      WhereforeError,
    );
  });

  it('takes the positions of a class, or a rectangle, as a region', async () => {
    const said: Said = {
      summary: { output: 'mask' },
      segmentation: { size: [2, 2], classes: Uint32Array.of(0, 1, 1, 1) },
    };
    const names = ['sky', 'tree'];
    const tree = { class: 1, output: 'mask', region: { size: [2, 2], runs: [1, 3] } };
    expect(await chosen('region:tree', said, names)).toMatchObject(tree);
    expect(await chosen('region:sky,1,0,2,2', said, names)).toMatchObject({ class: 0, region: { runs: [2, 2] } });
    for (const corners of ['0,0,3,2', '1,0,1,2', '-1,0,2,2', '0,2,2,1']) {
      await expect(chosen(`region:sky,${corners}`, said, names)).rejects.toThrow(
        /the rectangle.*TOP < BOTTOM within 0 to 2/,
      );
    }
    await expect(chosen('region:sky,1,0', said, names)).rejects.toThrow(/no class "sky,1,0"/);
  });
});

describe('targetText', () => {
  it.each([
    ['zebra', { kind: 'classLogit', class: 3 }],
    // Labels that could be read as something else give way to their number.
    ['1', { kind: 'classLogit', class: 1 }],
    ['2', { kind: 'classLogit', class: 2 }],
    ['4', { kind: 'classLogit', class: 4 }],
    ['probability:zebra', { kind: 'classProbability', class: 3 }],
    ['log-probability:9', { kind: 'classLogProbability', class: 9 }],
    ['difference:zebra,1', { kind: 'logitDifference', a: 3, b: 1 }],
    ['detection:12,zebra', { kind: 'detectionScore', anchor: 12, class: 3 }],
    ['a/b:0[1,2]', { kind: 'output', output: 'a/b:0', index: [1, 2] }],
  ] as const)('writes %s and it is read again', async (text, target) => {
    const names = ['dog', 'tabby, tabby cat', 'dog', 'zebra', '7'];
    expect(targetText(target, names)).toBe(text);
    expect(await read(text, names)).toEqual(target);
  });

  it.each([
    { kind: 'region', class: 0, region: { size: [1, 1], runs: [0, 1] }, reduce: 'mean' },
    { kind: 'similarity', to: [1], description: 'b.png' },
    { kind: 'output', index: [0] },
  ] as const)('does not write what words do not hold: $kind', (target) => {
    expect(() => targetText(target, undefined)).toThrow(/cannot be written/);
  });
});
