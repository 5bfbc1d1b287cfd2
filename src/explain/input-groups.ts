import type { Groups } from '../attribution/groups.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Columns of a table and words of a text as feature groups; undefined for inputs without names. */
export function inputGroups({ groups }: Pick<ModelInput, 'groups'>): Groups | undefined {
  if (!groups) return undefined;
  if (groups.kind === 'words') return { kind: 'words', words: groups.of, texts: groups.texts };
  const columns = groups.names.map((name, group) => ({
    name,
    positions: groups.of.flatMap((other, i) => (other === group ? [i] : [])),
  }));
  return { kind: 'columns', columns };
}

/** Where groups are wanted: a layer, the inputs that are explained, and the shapes of values. */
interface Position {
  readonly layer: readonly string[];
  readonly explained: readonly string[];
  readonly shapeOf: (name: string) => readonly number[] | undefined;
}

/** The groups of an input at a layer: columns at the input itself, words at every layer with a place for each token. */
export function layerGroups(
  input: { readonly groups?: ModelInput['groups']; readonly tensors: ReadonlyMap<string, Pick<Tensor, 'shape'>> },
  { layer, explained, shapeOf }: Position,
): Groups | undefined {
  const length = input.tensors.get(explained[0])?.shape[1];
  const fits =
    input.groups?.kind === 'words'
      ? layer.every((name) => shapeOf(name)?.[1] === length)
      : layer.every((name) => explained.includes(name));
  return fits ? inputGroups(input) : undefined;
}
