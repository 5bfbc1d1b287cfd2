import * as z from 'zod/mini';
import { lookup } from '../../tensor/lookup.ts';
import { blur } from './blur.ts';
import { constant } from './constant.ts';
import { input } from './input.ts';
import type { BaselineKind } from './kind.ts';
import { mean } from './mean.ts';
import { noise } from './noise.ts';
import { sample } from './sample.ts';
import { tokens } from './tokens.ts';
import { zero } from './zero.ts';

/** Every kind of baseline of one input. Checks, documents, texts and help iterate over this table. */
const rows = { zero, mean, constant, blur, noise, sample, tokens, input } as const;

/** What "absent" means for one input, or in the same words for every explained input. */
export type InputBaseline = { [K in keyof typeof rows]: Parameters<(typeof rows)[K]['resolve']>[1] }[keyof typeof rows];

/** The table, with the type of the baselines left open. */
export const baselineKinds: Readonly<Record<keyof typeof rows, BaselineKind<InputBaseline>>> = rows;

/** The row of a kind; undefined for a kind that does not exist. */
export function baselineKind(kind: string): BaselineKind<InputBaseline> | undefined {
  return lookup(baselineKinds, kind);
}

type DocumentSchema = (typeof rows)[keyof typeof rows]['document'];

const inputBaselineSchema = z.discriminatedUnion(
  'kind',
  Object.values(rows).map(({ document }) => document) as [DocumentSchema, ...DocumentSchema[]],
);

/** A baseline as a document holds it; the tensors of those that are given lie beside it. */
export const baselineSchema = z.discriminatedUnion('kind', [
  ...inputBaselineSchema.def.options,
  z.object({ kind: z.literal('each'), baselines: z.record(z.string(), inputBaselineSchema) }),
]);
