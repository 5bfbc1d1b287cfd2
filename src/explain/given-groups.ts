import * as z from 'zod/mini';
import type { Groups } from '../attribution/groups.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Groups of features that the caller names; a function gets the input. */
export type GroupsChoice = Groups | ((input: ModelInput) => Groups);

const names = z.optional(z.array(z.string()));

/** {@link Groups} as a document holds them: tensors stand under their keys. */
export const givenGroupsSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['elements', 'channels']) }),
  z.object({ kind: z.literal('windows'), size: z.int() }),
  z.object({ kind: z.literal('superpixels'), count: z.int(), compactness: z.optional(z.number()) }),
  z.object({
    kind: z.literal('columns'),
    columns: z.array(z.object({ name: z.string(), positions: z.array(z.int()) })),
  }),
  z.object({ kind: z.literal('words'), words: z.array(z.int()), texts: names }),
  z.object({ kind: z.literal('indices'), tensors: z.record(z.string(), z.string()), names }),
]);

export type GivenGroups = z.infer<typeof givenGroupsSchema>;

/** @param store keeps a tensor and tells its key */
export function documentOfGroups(groups: Groups, store: (name: string, tensor: Tensor) => string): GivenGroups {
  if (groups.kind !== 'indices') return givenGroupsSchema.parse(groups);
  const tensors = Object.fromEntries([...groups.tensors].map(([name, tensor]) => [name, store(name, tensor)]));
  return { kind: 'indices', tensors, names: groups.names && [...groups.names] };
}

/** @param stored the tensor under a key */
export function groupsOfDocument(given: GivenGroups, stored: (key: string) => Tensor): Groups {
  if (given.kind !== 'indices') return given as Groups;
  const tensors = new Map(Object.entries(given.tensors).map(([name, key]) => [name, stored(key)]));
  return { kind: 'indices', tensors, names: given.names };
}
