import { expect, it } from 'vitest';
import type { ComparedRow } from '../../evaluation/comparison.ts';
import { frontSvg } from './front.ts';

it('keeps the labels of many methods apart, inside the image and each once', () => {
  // Twelve methods of nearly the same quality and cost, with names of a dozen to forty letters.
  const rows = Array.from({ length: 12 }, (_, i) => ({
    title: `method ${i} ${'with a long name '.repeat(i % 3)}`.trim(),
    quality: 0.5 + 0.01 * (i % 4),
    cost: { passes: 3 + (i % 5) },
    onFront: i === 0,
  }));
  const { html } = frontSvg(rows as unknown as readonly ComparedRow[]);
  const labels = [...html.matchAll(/<text x="([\d.]+)" y="([\d.]+)" text-anchor="(start|end)">([^<]*)</g)].map(
    ([, x, y, anchor, title]) => {
      // Letters are at least six pixels wide on average at this size.
      const length = 6 * title.length;
      const left = Number(x) - (anchor === 'end' ? length : 0);
      return { title, left, right: left + length, y: Number(y) };
    },
  );
  expect(labels.map(({ title }) => title).sort()).toEqual(rows.map(({ title }) => title).sort());
  for (const [i, a] of labels.entries()) {
    expect(a.left).toBeGreaterThanOrEqual(0);
    expect(a.right).toBeLessThanOrEqual(720);
    for (const b of labels.slice(0, i)) {
      const apart = Math.abs(a.y - b.y) >= 12 || a.left >= b.right || b.left >= a.right;
      expect(apart, `${a.title} and ${b.title}`).toBe(true);
    }
  }
});

it('draws methods that have both a quality and a cost', () => {
  const rows = [
    { title: 'both', quality: 0.5, cost: { passes: 10 }, onFront: true },
    { title: 'no quality', cost: { passes: 10 }, onFront: false },
    { title: 'no cost', quality: 0.5, onFront: false },
  ];
  const { html } = frontSvg(rows as unknown as readonly ComparedRow[]);
  expect(html).toContain('of 1 methods');
  expect(html).toContain('>both<');
  expect(html).not.toMatch(/no quality|no cost|NaN/);
  expect(frontSvg(rows.slice(1) as unknown as readonly ComparedRow[]).html).toContain('No method could be scored.');
});
