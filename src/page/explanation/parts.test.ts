import { expect, it } from 'vitest';
import { imageExample, imageLayout as layout, makeExplained, row } from '../../../test/explained.ts';
import { float32 } from '../../tensor/tensor.ts';
import type { Features } from '../features.ts';
import { shownShares } from './features.ts';
import { renderPage } from './page.ts';

it('says on the page what was left out, and folds long lists', async () => {
  const few = await renderPage([imageExample()], { leftOut: ['person: grad-cam needs a layer with space'] });
  expect(few).toContain('<li>at person: grad-cam needs a layer with space</li>');
  expect(few).not.toContain('<details class="left-out">');
  const many = await renderPage([imageExample()], { leftOut: ['a: x', 'b: x', 'c: x', 'd: x'] });
  expect(many).toContain('4 combinations');
  expect(await renderPage([imageExample()])).not.toContain('Left out');
});

it('draws no way from one output to another where values are no shares', async () => {
  const page = await renderPage([{ ...row(), document: { ...row().document, method: 'rise' } }]);
  expect(page).not.toContain('f(x₀)</th>');
  expect(page).not.toContain('f(x)</th>');
  expect(page).toContain('Each bar starts from 0');
  // pay has −2 of the range −2 to 1: its bar ends where that of age begins.
  expect(page).toMatch(/class="negative" style="left:2\.00%;width:64\.00%"/);
  expect(page).toMatch(/class="positive" style="left:66\.00%;width:32\.00%"/);
  expect(await renderPage([row()])).toContain('From top to bottom');
});

it('shows an image and a row of one model beside each other, adding up to ΣA', async () => {
  const one = imageExample({ explained: ['x', 'record'] });
  const attribution = { x: one.document.attribution.conv, record: { key: 'record', type: 'float32', shape: [1, 2] } };
  const both = {
    ...one,
    document: { ...one.document, layer: ['x', 'record'], attribution, value: 8, attributionTarget: 7, sum: 7 },
    tensors: new Map([
      ...one.tensors,
      [
        'attribution',
        float32(
          [1, 1, 4, 4],
          Float32Array.from({ length: 16 }, (_, i) => (i === 0 ? 3 : 0)),
        ),
      ],
      ['record', float32([1, 2], [4.5, -0.5])],
    ]),
  };
  both.document.attribution.x.shape = [1, 1, 4, 4];
  const page = await renderPage([both]);
  expect(page).toContain('class="heat"');
  const bars = [...page.matchAll(/<th scope="row">([^<]*)<[\s\S]*?<td class="number">([^<]*)<\/td>/g)].map((m) => [
    m[1],
    m[2],
  ]);
  expect(bars).toEqual([
    ['f(x₀)', '1.000'],
    ['feature 0 of record', '+4.50'],
    ['all of x', '+3.00'],
    ['feature 1 of record', '−0.500'],
    ['f(x)', '8.000'],
  ]);
});

it('says which inputs stay as they are', async () => {
  const one = row();
  const tensors = { ...one.document.input.tensors, mask: { key: 'm', type: 'int64', shape: [1, 3] } };
  const page = await renderPage([{ ...one, document: { ...one.document, input: { ...one.document.input, tensors } } }]);
  expect(page).toContain('<code>mask</code> stays as it is, at the baseline too');
});

it('draws means around their average, each position in the unit of the output', async () => {
  // 0.2 at eight positions, 0.65 at the last: the average is 0.25.
  const one = makeExplained({
    input: float32([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    attribution: float32([1, 1, 3, 3], [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.65]),
    layout,
    document: { method: 'rise' },
  });
  const page = await renderPage([one]);
  expect(page).toContain(
    'Each position has an expected output while it is shown, on a grid of 3 × 3; the average of all is 0.250.',
  );
  expect(page).toContain('−0.400<br>below average');
  expect(page).toContain('+0.400<br>above average');
  expect(page).toContain('highest in the bottom right');
});

it('says so where nothing is attributed, instead of a scale from 0 to 0', async () => {
  const page = await renderPage([
    makeExplained({
      input: float32([1, 1, 2, 2], [1, 2, 3, 4]),
      attribution: float32([1, 1, 2, 2], [0, 0, 0, 0]),
      layout,
    }),
  ]);
  expect(page).toContain('Every value is 0');
  expect(page).not.toContain('class="scale"');
});

it('puts warnings below the map, not over it', async () => {
  const page = await renderPage([
    makeExplained({
      input: float32([1, 1, 2, 2], [1, 2, 3, 4]),
      attribution: float32([1, 1, 2, 2], [3, 0, 0, 1]),
      layout,
      document: { relativeError: 0.5 },
    }),
  ]);
  expect(page).toMatch(/<\/fieldset>\s*<ul class="chips" aria-label="Warnings">/);
});

it('gives special tokens one bar, and none where nothing is attributed to them', () => {
  const features = (last: number): Features => ({
    kind: 'sequence',
    shares: [
      { name: '[CLS]', share: last === 0 ? 0 : -1, special: true },
      { name: 'stolen', share: 2 },
      { name: '[SEP]', share: last, special: true },
    ],
    notes: [],
  });
  expect(shownShares(features(0)).map(({ name }) => name)).toEqual(['stolen']);
  expect(shownShares(features(4)).map(({ name, share }) => [name, share])).toEqual([
    ['stolen', 2],
    ['special tokens', 3],
  ]);
});
