import { describe, expect, it, vi } from 'vitest';
import { linearModel, row } from '../../test/evaluation-models.ts';
import { pointsOf } from '../attribution/points.ts';
import { prepare } from '../attribution/prepare.ts';
import { float32, int64, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type FeatureGroups, groupsOf } from './groups.ts';
import { mapOf, maskOf } from './map.ts';
import { ascending, blendedPoints, descending, maskedPoints } from './perturbation.ts';
import { ask } from './question.ts';

const inputs = (shape: readonly number[]) =>
  new Map([['x', float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)))]]);

describe('feature groups', () => {
  it('are the pixels of an image with all their channels, wherever those stand', () => {
    const first = groupsOf(inputs([1, 2, 2, 3]), ['x'], { channelAxis: 1, spatialAxes: [2, 3] });
    expect(first).toMatchObject({ count: 6, shape: [2, 3], spatial: true });
    expect([...(first.groupOf.get('x') ?? [])]).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
    const last = groupsOf(inputs([1, 2, 3, 2]), ['x'], { channelAxis: 3, spatialAxes: [1, 2] });
    expect([...(last.groupOf.get('x') ?? [])]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
  });

  it('are tiles where regions are moved as one; the last of a row may be narrower', () => {
    const layout = { channelAxis: 1, spatialAxes: [2, 3] };
    const tiles = groupsOf(inputs([1, 2, 4, 5]), ['x'], layout, { regions: 2 });
    expect(tiles).toMatchObject({ count: 6, shape: [2, 3], spatial: true });
    const plane = [0, 0, 1, 1, 2, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 3, 3, 4, 4, 5];
    expect([...(tiles.groupOf.get('x') ?? [])]).toEqual([...plane, ...plane]);
    // What pixels were given adds up; a coarser map is laid over the positions and keeps its sum, 42 = 20 · 2.1.
    const values = new Map([['x', float32([1, 2, 4, 5], new Float32Array(40).fill(1))]]);
    expect([...mapOf(values, tiles, layout).values]).toEqual([8, 8, 4, 8, 8, 4]);
    const coarse = mapOf(new Map([['conv', float32([1, 1, 1, 1], [42])]]), tiles, layout);
    expect([...coarse.values].map((value) => Number(value.toFixed(9)))).toEqual([8.4, 8.4, 4.2, 8.4, 8.4, 4.2]);
    // A mask keeps its scale: the mean over a region.
    const mask = new Map([['mask', float32([1, 1, 4, 5], new Float32Array(20).fill(0.5).fill(1, 0, 1))]]);
    expect(mapOf(mask, tiles, layout, 'mask')).toEqual({
      values: Float64Array.of(0.625, 0.5, 0.5, 0.5, 0.5, 0.5),
      absolute: true,
    });
    // Of rates the magnitudes count.
    const rates = new Map([
      [
        'x',
        float32(
          [1, 2, 4, 5],
          Float32Array.from({ length: 40 }, (_, i) => (i % 2 ? 1 : -1)),
        ),
      ],
    ]);
    expect([...mapOf(rates, tiles, layout, 'rate').values]).toEqual([8, 8, 4, 8, 8, 4]);
    expect([...mapOf(rates, tiles, layout).values].map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(groupsOf(inputs([1, 4]), ['x'], {}, { regions: 2 }).count).toBe(4);
    expect(() => groupsOf(inputs([1, 2, 4, 5]), ['x'], layout, { regions: 0 })).toThrow(/side of a region/);
  });

  it('are columns, tokens, or the steps of a series', () => {
    expect(groupsOf(inputs([1, 4]), ['x'])).toMatchObject({ count: 4, shape: [4], spatial: false });
    expect(groupsOf(new Map([['x', int64([1, 3], [7, 8, 9])]]), ['x'])).toMatchObject({ count: 3, shape: [3] });
    const steps = groupsOf(inputs([1, 3, 2]), ['x'], {}, { axes: [1] });
    expect(steps).toMatchObject({ count: 3, shape: [3], spatial: true });
    expect([...(steps.groupOf.get('x') ?? [])]).toEqual([0, 0, 1, 1, 2, 2]);
    expect(() => groupsOf(inputs([1, 3]), ['x'], {}, { axes: [2] })).toThrow(/axis 2/);
  });

  it('are words and one-hot columns where groups are given; what belongs to none stays', async () => {
    const ids = new Map([['ids', int64([1, 5], [101, 7, 8, 9, 102])]]);
    const words = groupsOf(ids, ['ids'], {}, { groups: { kind: 'words', words: [-1, 0, 0, 1, -1] } });
    expect(words).toMatchObject({ count: 2, shape: [2], spatial: false });
    // Attributions of an embedding [batch, token, feature] reach the words; the special tokens' share stays outside.
    const embedding = new Map([['embedding', float32([1, 5, 2], [9, 9, 1, 2, 3, 4, 5, 6, 9, 9])]]);
    expect([...mapOf(embedding, words).values]).toEqual([10, 11]);
    const flat = linearModel([1, 1, 1]);
    const columns = [
      { name: 'age', positions: [1] },
      { name: 'colour', positions: [0, 2] },
    ];
    const groups = { kind: 'columns', columns } as const;
    const question = await ask(flat, {
      inputs: row(1, 2, 3),
      target: { kind: 'output', index: [0] },
      reference: { kind: 'zero' },
      groups,
    });
    const points = maskedPoints(question, 2, (point, keep) => {
      keep[point] = 1;
    });
    expect([...(points.at(0, 2).get('x')?.data as Float32Array)]).toEqual([0, 2, 0, 1, 0, 3]);
    const marked = { ...question, groups: { ...question.groups, groupOf: new Map([['x', Int32Array.of(-1, 0, 1)]]) } };
    const kept = maskedPoints(marked, 1, () => undefined);
    expect([...(kept.at(0, 1).get('x')?.data as Float32Array)]).toEqual([1, 0, 0]);
    expect([
      ...(blendedPoints(marked, [Float64Array.of(0, 0.5)])
        .at(0, 1)
        .get('x')?.data as Float32Array),
    ]).toEqual([1, 0, 1.5]);
  });

  it('number on over several inputs', () => {
    const both = new Map([...inputs([1, 2]), ['y', float32([1, 3], [0, 0, 0])]]);
    const groups = groupsOf(both, ['x', 'y']);
    expect(groups).toMatchObject({ count: 5, shape: [5] });
    expect([...(groups.groupOf.get('y') ?? [])]).toEqual([2, 3, 4]);
  });
});

describe('maps', () => {
  const layout = { channelAxis: 1, spatialAxes: [2, 3] };
  const groups = groupsOf(inputs([1, 2, 4, 4]), ['x'], layout);
  const sum = (values: Float64Array) => values.reduce((all, value) => all + value, 0);

  it('add up the elements of a group', () => {
    const values = new Map([
      [
        'x',
        float32(
          [1, 2, 4, 4],
          Array.from({ length: 32 }, (_, i) => (i < 16 ? i : 100)),
        ),
      ],
    ]);
    expect([...mapOf(values, groups, layout).values].slice(0, 3)).toEqual([100, 101, 102]);
  });

  it('lie a coarse layer over the input, sum kept, rows and columns where they belong', () => {
    // 2 × 2 of two channels; 4 × 4 pixels lie at −.25, .25, .75, 1.25 of its cells.
    const layer = new Map([['conv', float32([1, 2, 2, 2], [1, 2, 3, 4, 0, 0, 0, 4])]]);
    const { values } = mapOf(layer, groups, layout);
    expect(sum(values)).toBeCloseTo(14, 9);
    // Corners are the cells' values (1, 2, 3, 8) shared out over 4 pixels each.
    expect([values[0], values[3], values[12], values[15]]).toEqual([1 / 4, 2 / 4, 3 / 4, 8 / 4]);
    // Between: ¾·1 + ¼·2 along a row, ¾·1 + ¼·3 along a column.
    expect(values[1]).toBeCloseTo(1.25 / 4, 9);
    expect(values[4]).toBeCloseTo(1.5 / 4, 9);
  });

  it('read patches of a transformer with and without a class token', () => {
    const tokens = (count: number) =>
      new Map([
        [
          'tokens',
          float32(
            [1, count, 2],
            Array.from({ length: 2 * count }, (_, i) => Math.floor(i / 2)),
          ),
        ],
      ]);
    expect(sum(mapOf(tokens(4), groups, layout).values)).toBeCloseTo(2 * (0 + 1 + 2 + 3), 9);
    expect(sum(mapOf(tokens(5), groups, layout).values)).toBeCloseTo(2 * (1 + 2 + 3 + 4), 9);
    expect(() => mapOf(tokens(7), groups, layout)).toThrow(/does not lie over the input/);
  });

  it('of token embeddings add up the embedding', () => {
    const sequence = groupsOf(new Map([['ids', int64([1, 3], [5, 6, 7])]]), ['ids']);
    const { values } = mapOf(new Map([['embedding', float32([1, 3, 2], [1, 2, 3, 4, 5, 6])]]), sequence);
    expect([...values]).toEqual([3, 7, 11]);
  });

  it('become masks', () => {
    expect([...maskOf({ values: Float64Array.of(-2, 0, 2) })]).toEqual([0, 0.5, 1]);
    expect([...maskOf({ values: Float64Array.of(3, 3) })]).toEqual([0, 0]);
    expect([...maskOf({ values: Float64Array.of(0.2, 0.3), absolute: true })]).toEqual([0.2, 0.3]);
  });
});

describe('perturbed inputs', () => {
  it('keep or fade groups', async () => {
    const x = float32([1, 2, 1, 2], [1, 2, 3, 4]);
    const flat = linearModel([1, 1, 1, 1]);
    const question = await ask(flat, {
      inputs: row(1, 2, 3, 4),
      target: { kind: 'output', index: [0] },
      reference: { kind: 'constant', value: -1 },
    });
    const pixels = {
      ...question,
      inputs: new Map([['x', x]]),
      groups: groupsOf(new Map([['x', x]]), ['x'], { spatialAxes: [2, 3] }),
    };
    const points = maskedPoints(pixels, 3, (point, keep) => {
      if (point < 2) keep[point] = 1;
    });
    expect([...(points.at(0, 3).get('x')?.data as Float32Array)]).toEqual([1, -1, 3, -1, -1, 2, -1, 4, -1, -1, -1, -1]);
    expect(points.at(1, 2).get('x')).toMatchObject({ shape: [1, 2, 1, 2], data: Float32Array.of(-1, 2, -1, 4) });
    // Channels last: element 1 is the second channel of the first pixel.
    const last = float32([1, 1, 2, 2], [1, 2, 3, 4]);
    const lastGroups = groupsOf(new Map([['x', last]]), ['x'], { channelAxis: 3, spatialAxes: [1, 2] });
    const kept = maskedPoints({ ...question, inputs: new Map([['x', last]]), groups: lastGroups }, 1, (_, keep) => {
      keep[0] = 1;
    });
    expect([...(kept.at(0, 1).get('x')?.data as Float32Array)]).toEqual([1, 2, -1, -1]);
    const faded = blendedPoints(pixels, [Float64Array.of(0.5, 1)]);
    expect([...(faded.at(0, 1).get('x')?.data as Float32Array)]).toEqual([0, 2, 1, 4]);
  });

  it('order by value, ties alike for every map and not by position', () => {
    expect([...descending([1, 3, 2])]).toEqual([1, 2, 0]);
    expect([...ascending([1, 3, 2])]).toEqual([0, 2, 1]);
    const ties = descending(new Float64Array(50), 1);
    expect([...ties]).not.toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect([...ties].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(descending(new Float64Array(50).fill(3), 1)).toEqual(ties);
    expect(descending(new Float64Array(50), 2)).not.toEqual(ties);
    // Whichever of the two orders of a map is asked for first, each is the same.
    const values = Float64Array.from({ length: 50 }, (_, i) => i % 4);
    const copy = values.slice();
    expect([descending(values, 1), ascending(values, 1)]).toEqual([ascending(copy, 1), descending(copy, 1)].reverse());
  });
});

describe('masked rows made by the graph', () => {
  /** What a model without weights gives for each point: from rows made by the graph, and from rows made here. */
  async function bothWays(groups: FeatureGroups, input: Tensor<'float32'>) {
    const size = sizeOf(input.shape);
    const model = linearModel(Array.from({ length: size }, (_, i) => 1 + (i % 7)));
    const asked = await ask(model, {
      inputs: row(...input.data),
      target: { kind: 'output', index: [0] },
      reference: { kind: 'constant', value: -1 },
    });
    const question = { ...asked, groups };
    const points = maskedPoints(question, 13, (point, keep) => {
      for (let group = 0; group < keep.length; group++) keep[group] = (point * (group + 3)) % 5 < 2 ? 1 : 0;
    });
    const run = vi.spyOn(model.executor, 'run');
    const inGraph = await question.targetAt(points);
    expect(run.mock.calls.some(([, feeds]) => feeds.has('masking/mask'))).toBe(true);
    const here = await question.targetAt({ cut: points.cut, count: points.count, at: points.at });
    return { inGraph: [...inGraph], here: [...here] };
  }

  const image = float32(
    [1, 2, 3, 2],
    Array.from({ length: 12 }, (_, i) => i / 4),
  );
  const cases: Record<string, FeatureGroups> = {
    'channels first': groupsOf(new Map([['x', image]]), ['x'], { spatialAxes: [2, 3] }),
    'channels last': groupsOf(new Map([['x', image]]), ['x'], { spatialAxes: [1, 2] }),
    'the middle axis': groupsOf(new Map([['x', image]]), ['x'], {}, { axes: [2] }),
    'regions, which no axes tell apart': groupsOf(
      new Map([['x', image]]),
      ['x'],
      { spatialAxes: [2, 3] },
      { regions: 2 },
    ),
    'elements of no group': {
      count: 2,
      shape: [2],
      groupOf: new Map([['x', Int32Array.of(-1, 0, 1, 1, 0, -1, 0, 0, 1, 0, 1, -1)]]),
      spatial: false,
    },
  };
  for (const [name, groups] of Object.entries(cases)) {
    it(`are those made here: ${name}`, async () => {
      const { inGraph, here } = await bothWays(groups, image);
      // Copies of the same numbers, in as many rows a run.
      expect(inGraph).toEqual(here);
      expect(new Set(here).size).toBeGreaterThan(2);
    });
  }
});

describe('runs of few sizes', () => {
  it('give what each point gives alone, whatever the number of points and the byte budget', async () => {
    const model = linearModel([3, -2]);
    const [output] = model.graph.outputs;
    for (const byteBudget of [undefined, 40]) {
      const options = { byteBudget, fewSizes: true };
      const prepared = await prepare(model, row(1, 1), { kind: 'output', index: [0] }, options);
      for (const count of [1, 3, 7, 13, 23]) {
        const values = Array.from({ length: 2 * count }, (_, i) => Math.sin(i));
        const points = pointsOf(new Map([['x', float32([count, 2], values)]]), count);
        const before = prepared.passes.forward;
        const { target, values: fetched } = await prepared.evaluate(points, [output.name]);
        expect(target).toHaveLength(count);
        // Products of float32 numbers below 5.
        target.forEach((result, i) => expect(result).toBeCloseTo(3 * values[2 * i] - 2 * values[2 * i + 1], 5));
        expect([...(fetched.get(output.name)?.data ?? [])]).toEqual([...target]);
        if (count === 13) expect(prepared.passes.forward - before).toBe(13);
      }
    }
  });
});
