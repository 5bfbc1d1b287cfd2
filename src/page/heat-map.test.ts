import sharp from 'sharp';
import { expect, it } from 'vitest';
import { makeExplained } from '../../test/explained.ts';
import { heatMapPng } from '../report/heat-map-png.ts';
import { float32 } from '../tensor/tensor.ts';
import { divergingColour } from './colour-map.ts';
import { figuresOf, type MapFigure } from './figures.ts';
import { greyImage, overlayImage, overlayMap, plainMap } from './heat-map.ts';

const layout = { channelAxis: 1, spatialAxes: [2, 3] };
const input = float32([1, 1, 2, 2], [0, 1, 2, 3]);
const explained = makeExplained({ input, attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]), layout });

it('colours a map by its sign around 0, up to the stated limit', async () => {
  const [figure] = (await figuresOf([explained])) as MapFigure[];
  // 4 pixels: each is 25 % of the view, so that the strongest has 4 / 25 per 1 %.
  expect(figure.limit).toBeCloseTo(0.16, 6);
  const pixels = plainMap(figure.map, figure.limit).data;
  expect(Array.from(pixels)).toEqual([0, 0.25, -0.5, 1].flatMap((value) => [...divergingColour(value)]));
  // Twice the limit, half the colour.
  expect(Array.from(plainMap(figure.map, 0.32).data.slice(9))).toEqual([...divergingColour(0.5)]);
  expect(Array.from(plainMap(figure.map, 0).data.slice(9))).toEqual([...divergingColour(0)]);
});

it('leaves the image alone where nothing is attributed', async () => {
  const [figure] = (await figuresOf([explained])) as MapFigure[];
  expect(overlayMap(figure.map, figure.limit).data[3]).toBe(0);
  const over = overlayImage(figure.map, figure.limit, figure.frame).data;
  expect(over.slice(0, 3)).toEqual(greyImage(figure.frame).data.slice(0, 3));
  const [red, , blue] = over.slice(9);
  expect(red).toBeGreaterThan(blue + 60);
});

it('darkens what the model did not see', async () => {
  const cropped = makeExplained({
    input,
    attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]),
    layout,
    image: { type: 'uint8', shape: [2, 4, 3], data: new Uint8Array(24).fill(100) },
    transform: { source: [2, 4], grid: [2, 2], scale: [1, 1], offset: [0, -1] },
  });
  const [figure] = (await figuresOf([cropped])) as MapFigure[];
  const grey = greyImage(figure.frame).data;
  expect([0, 1, 2, 3].map((x) => grey[3 * x])).toEqual([45, 140, 140, 45]);
});

it('shares a colour scale between maps of one question that differ little, and says where it does not', async () => {
  const scaled = (factor: number, document = {}) =>
    makeExplained({
      input,
      attribution: float32([1, 1, 2, 2], [0, factor, -2 * factor, 4 * factor]),
      layout,
      document,
    });
  const question = { attributionTarget: 1, targetDescription: 'logit' };
  const figures = (await figuresOf([
    scaled(1, question),
    scaled(0.6, question),
    scaled(0.01, question),
    scaled(1, { ...question, target: { kind: 'classLogit', class: 7 } }),
  ])) as MapFigure[];
  expect(figures.map(({ sharedBy }) => sharedBy)).toEqual([2, 2, 1, 1]);
  expect(figures.map(({ ownScale }) => ownScale)).toEqual([true, true, true, false]);
  expect(figures[1].limit).toBe(figures[0].limit);
  expect(figures[2].limit).toBeCloseTo(0.0016, 8);
});

it('makes a PNG with a legend, larger where there is a warning to explain', async () => {
  const { width, height } = await sharp(await heatMapPng(explained)).metadata();
  expect(width).toBe(560);
  expect(height).toBeGreaterThan(560 + 150);
  const alone = await heatMapPng(explained, { view: 'map' });
  expect(
    await sharp(alone)
      .stats()
      .then(({ isOpaque }) => isOpaque),
  ).toBe(true);
});

it('draws warnings onto the image', async () => {
  const poor = makeExplained({
    input,
    attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]),
    layout,
    document: { relativeError: 0.4, error: 1, converged: false },
  });
  const corner = async (one: typeof explained) =>
    (
      await sharp(await heatMapPng(one))
        .extract({ left: 14, top: 530, width: 4, height: 4 })
        .removeAlpha()
        .raw()
        .toBuffer()
    ).subarray(0, 3);
  expect([...(await corner(poor))]).toEqual([0xff, 0xf4, 0xd6]);
  expect([...(await corner(explained))]).not.toEqual([0xff, 0xf4, 0xd6]);
});

it('outlines the explained detection at its place', async () => {
  const found = makeExplained({
    attribution: float32([1, 1, 4, 4], new Float32Array(16)),
    layout,
    image: { type: 'uint8', shape: [4, 4, 3], data: new Uint8Array(48) },
    transform: { source: [4, 4], grid: [4, 4], scale: [1, 1], offset: [0, 0] },
    document: { box: [1, 1, 3, 2] },
  });
  const { data, info } = await sharp(await heatMapPng(found))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  // A pixel of the image has 140 of the PNG: columns 140 to 420, rows 140 to 280.
  const isLine = ([x, y]: readonly [number, number]) => data[(y * info.width + x) * 3] > 250;
  const [edges, elsewhere] = [
    [
      [140, 210],
      [420, 210],
      [280, 140],
      [280, 280],
    ],
    [
      [280, 210],
      [40, 210],
      [540, 210],
      [280, 40],
      [280, 420],
    ],
  ] as const;
  expect(edges.map(isLine)).toEqual([true, true, true, true]);
  expect(elsewhere.filter(isLine)).toEqual([]);
});

it('refuses what lies over no image', async () => {
  await expect(heatMapPng(makeExplained({ attribution: float32([1, 3], [1, 2, 3]) }))).rejects.toThrow(
    'lies over no image',
  );
});
