import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { WhereforeError } from '../errors.ts';
import { contentHash } from '../tensor/content-hash.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import type { GradientMaterial, TwoSided } from './gradient-material.ts';
import { matrix } from './matrix.ts';
import { heldRows, type ProjectedRows } from './projected-rows.ts';

/**
 * What tells projections apart: rows that were projected by others would give scores without meaning. To six digits,
 * because engines round logarithms and cosines differently.
 */
export function projectionsHash(projections: readonly TwoSided[]): string {
  const pieces = projections.flatMap(({ left, right }) => [left, right]);
  return contentHash(
    pieces.map(({ data }) => {
      const digits = new Int32Array(data.length);
      for (let i = 0; i < data.length; i++) digits[i] = Math.round(data[i] * 1e6);
      return new Uint8Array(digits.buffer);
    }),
  );
}

/**
 * Keeps the projected gradients of all training rows as one file (safetensors) when a method first asks for them, so that
 * queries can be scored where the rows are not, such as in a page.
 * @returns the material to score with, and the file: undefined where no method has projected anything
 */
export function keepProjected(material: GradientMaterial): {
  readonly material: GradientMaterial;
  readonly file: () => Uint8Array | undefined;
} {
  let file: Uint8Array | undefined;
  const project = async (projections: readonly TwoSided[]) => {
    const rows = await material.project(projections);
    file = await written(rows, projectionsHash(projections));
    return rows;
  };
  return { material: { ...material, project }, file: () => file };
}

async function written(of: ProjectedRows, projections: string): Promise<Uint8Array> {
  const width = of.widths.reduce((sum, one) => sum + one, 0);
  const values = new Float32Array(of.rows * width);
  for await (const { first, values: piece } of of.pieces()) values.set(piece.data, first * width);
  const tensors = new Map<string, Tensor>([
    ['rows', float32([of.rows, width], values)],
    ['widths', int64([of.widths.length], of.widths)],
  ]);
  return writeSafetensors(tensors, { projections });
}

/**
 * Material whose projected training rows are those of a file that {@link keepProjected} made; queries are still computed.
 * @throws WhereforeError `invalid-data` for a file of something else; when a method asks, `invalid-argument` where it
 *   projects in another way, or the rows are not as many
 */
export function withProjectedFile(
  material: GradientMaterial,
  file: Uint8Array,
  where = 'projected rows',
): GradientMaterial {
  const { tensors, metadata } = readSafetensors(file, where);
  const [rows, widths] = [tensors.get('rows'), tensors.get('widths')];
  if (rows?.type !== 'float32' || rows.shape.length !== 2 || widths?.type !== 'int64') {
    throw new WhereforeError('invalid-data', 'the file holds no projected gradients', {
      where,
      expected: 'a file of keepProjected',
    });
  }
  const held = heldRows(
    matrix(rows.shape[0], rows.shape[1], rows.data as Float32Array),
    Array.from(widths.data as BigInt64Array, Number),
  );
  const project = async (projections: readonly TwoSided[]) => {
    if (metadata.projections === projectionsHash(projections)) return held;
    throw projectedOtherwise(where);
  };
  return { ...material, rows: held.rows, project };
}

export const projectedOtherwise = (where: string): WhereforeError =>
  new WhereforeError('invalid-argument', 'the rows were projected in another way than this method does', {
    where,
    fix: 'use the method, parameters, seed and model with which they were made',
  });
