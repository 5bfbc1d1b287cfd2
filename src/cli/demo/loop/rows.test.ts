import { describe, expect, it } from 'vitest';
import {
  drawRows,
  loopClasses,
  loopHeldOutRows,
  loopSettings,
  loopSide,
  loopTable,
  loopTrainingRows,
  markedClass,
} from './rows.ts';

const { perClass, perMarkedClass, agency, wrong, heldOutPerClass } = loopSettings;

describe('the rows of the loop', () => {
  it('bear the emblem and wrong labels in the shares that are stated', () => {
    const { images, labels } = loopTrainingRows();
    const total = perClass * (loopClasses.length - 1) + perMarkedClass;
    expect(images).toHaveLength(total);
    expect(images.filter(({ watermark }) => watermark)).toHaveLength(Math.round(agency * perMarkedClass));
    expect(images.every(({ watermark, name }) => !watermark || name === markedClass)).toBe(true);
    expect(images.filter(({ name }, i) => name !== labels[i])).toHaveLength(Math.round(wrong * total));
    expect(new Set(images.map(({ seed }) => seed)).size).toBe(total);
  });

  it('are measured on other drawings in pairs, with right labels', () => {
    const { images, labels } = loopHeldOutRows();
    expect(images).toHaveLength(2 * heldOutPerClass * loopClasses.length);
    expect(labels).toEqual(images.map(({ name }) => name));
    const seeds = new Set(loopTrainingRows().images.map(({ seed }) => seed));
    for (let i = 0; i < images.length; i += 2) {
      expect(images[i + 1]).toEqual({ ...images[i], watermark: true });
      expect(images[i].watermark || seeds.has(images[i].seed)).toBe(false);
    }
  });

  it('are drawn so that a pair differs in the lower right corner alone', async () => {
    const { images, labels } = loopHeldOutRows();
    const { shape, data } = await drawRows({ images: images.slice(0, 2), labels: labels.slice(0, 2) });
    expect(shape).toEqual([2, loopSide, loopSide, 3]);
    const size = loopSide * loopSide;
    const changed = Array.from({ length: size }, (_, p) => p).filter((p) =>
      [0, 1, 2].some((c) => data[3 * p + c] !== data[3 * (size + p) + c]),
    );
    expect(changed.length).toBeGreaterThan(20);
    for (const p of changed) {
      expect(p % loopSide).toBeGreaterThan(0.5 * loopSide);
      expect(Math.floor(p / loopSide)).toBeGreaterThan(0.7 * loopSide);
    }
  });

  it('name their source in a table', () => {
    const image = { name: 'fish', seed: 1, watermark: true } as const;
    expect(loopTable({ images: [image], labels: ['car'] }, 'image')).toBe('id,label,source\nimage-0,car,agency\n');
  });
});
