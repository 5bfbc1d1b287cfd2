import { describe, expect, it } from 'vitest';
import { classOrderNotes } from './class-order.ts';
import { matrixOf } from './matrix.ts';

const classes = ['barbera', 'barolo', 'grignolino'];

/** Predictions that are sure of a class. */
const sureOf = (predicted: readonly number[]) =>
  matrixOf(predicted.map((k) => classes.map((_, j) => (j === k ? 0.9 : 0.05))));

/** Ten rows of each class. */
const labels = Int32Array.from({ length: 30 }, (_, i) => i % 3);
const each = (of: (label: number, i: number) => number) => sureOf(Array.from(labels, of));

describe('the order of classes', () => {
  it('is told where the model takes each class for another', () => {
    const [note] = classOrderNotes(
      each((label) => (label + 1) % 3),
      labels,
      classes,
    );
    expect(note).toMatch(/10 of 10 rows of barbera as barolo, 10 of 10 rows of barolo as grignolino/);
  });

  it('is told where two of three are exchanged', () => {
    const [note] = classOrderNotes(
      each((label) => [1, 0, 2][label]),
      labels,
      classes,
    );
    expect(note).toMatch(/barbera as barolo, 10 of 10 rows of barolo as barbera:/);
  });

  it.each<[string, (label: number, i: number) => number]>([
    ['fits', (label) => label],
    ['fits but for wrong labels', (label, i) => (i < 12 ? (label + 1) % 3 : label)],
    ['cannot be seen where everything is one class', () => 1],
    ['cannot be seen where two classes are taken for the same', (label) => [1, 0, 0][label]],
    ['cannot be seen in chance', (_, i) => Math.floor(i / 3) % 3],
  ])('%s: nothing is said', (_, of) => {
    expect(classOrderNotes(each(of), labels, classes)).toEqual([]);
  });
});
