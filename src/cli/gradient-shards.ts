import * as z from 'zod/mini';
import { type OpenedDataset, openDataset } from '../data/datasets/open-dataset.ts';
import { hashOfFile } from '../data/files/file-hash.ts';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { range } from '../dataset/pieces.ts';
import { subset } from '../dataset/select.ts';
import { WhereforeError } from '../errors.ts';
import type { Rotation, TwoSided } from '../influence/gradient-material.ts';
import { openPasses, type Passes, type RowRange } from '../influence/gradient-passes.ts';
import { type Matrix, matrix } from '../influence/matrix.ts';
import { gradientFile } from '../influence/projected-store.ts';
import {
  covariancePass,
  factorPass,
  flattened,
  projectionPass,
  type RowPass,
  squarePass,
} from '../influence/row-passes.ts';
import { alongDiagonal, type Side, unchanged } from '../influence/side.ts';
import type { Shard, ShardJob, ShardProgram } from '../run/shard.ts';
import { float32, int64, type Tensor, tensor } from '../tensor/tensor.ts';
import { loadAt } from './checkpoint-model.ts';
import { filesAt, namedFiles } from './named-files.ts';
import { rowsDescribed } from './row-options.ts';

const labels = z.enum(['given', 'sampled']);

/** What is made of the gradients of the rows of a shard; matrices by the hash of their content. */
const made = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('factors') }),
  z.strictObject({ kind: z.literal('projections'), matrices: z.string() }),
  z.strictObject({ kind: z.literal('covariances'), labels }),
  z.strictObject({ kind: z.literal('squares'), labels, matrices: z.string() }),
]);

export type Made = z.infer<typeof made>;

/** How the rows were opened: the words of the command. */
const described = z.extend(rowsDescribed, { path: z.string() });

const parameters = z.object({
  model: z.string(),
  /** A file of weights that replace those of the model. */
  checkpoint: z.optional(z.string()),
  ...namedFiles,
  data: described,
  /** Value of the model's graph that holds the logits. */
  output: z.string(),
  classes: z.number(),
  /** Rows of a run: the bits of a row may depend on it. */
  batch: z.number(),
  memory: z.optional(z.number()),
  made,
});

export type GradientParameters = z.infer<typeof parameters>;

/** What the rows of each shard are: the hash of their contents and labels, and of how inputs are made of them. */
export async function rowDigests(data: OpenedDataset, shards: readonly RowRange[]): Promise<string[]> {
  const digests: string[] = [];
  for (const { from, to } of shards) {
    const at = range(from, to);
    const classes = Array.from(at, (i) => String(data.labels?.data[i]));
    digests.push(hashOfFile([data.recipe, '\n', (await data.hashes(at)).join(), '\n', classes.join()]));
  }
  return digests;
}

/** Gradients of a range of the rows, or what is made of them. */
export const gradientProgram: ShardProgram = {
  version: 3,
  async open(job) {
    const asked = parameters.parse(job.work.parameters);
    const digests = z
      .array(z.string())
      .parse(JSON.parse(new TextDecoder().decode(await job.blob(job.work.data as string))));
    const memory = asked.memory && asked.memory * 2 ** 20;
    const files = await filesAt(asked, job.file);
    const checkpoint = asked.checkpoint && (await job.file(asked.checkpoint));
    const model = await loadAt(
      { model: await job.file(asked.model), checkpoint },
      { threads: job.threads, memory, ...files },
    );
    const { path, ...words } = asked.data;
    const data = await openDataset(await job.file(path), { model, ...words });
    const { output, classes, batch } = asked;
    const over = await openPasses({
      model,
      output,
      classes,
      batch,
      rows: data,
      queries: subset(data, [0]),
      signal: job.signal,
    });
    const pass = await passFor(asked.made, over, job);
    return {
      model: model.hash,
      async compute(shard, report) {
        const began = performance.now();
        const [rows] = await rowDigests(data, [shard]);
        if (rows !== digests[shard.index]) throw changedRows(path, shard);
        const tensors = await pass.of(shard);
        report(shard.to - shard.from);
        const passed = shard.to - shard.from;
        return {
          files: { [gradientFile]: writeSafetensors(tensors) },
          cost: { forward: passed, backward: passed, seconds: (performance.now() - began) / 1000 },
          measured: { rows },
        };
      },
      async close() {
        await pass.close();
        await model.close();
      },
    };
  },
};

function changedRows(where: string, { from, to }: Shard): WhereforeError {
  return new WhereforeError('invalid-data', 'the rows were changed while the run was under way', {
    where: `${where}, rows ${from} to ${to - 1}`,
    fix: 'give the command again: it plans anew with the rows as they are now',
  });
}

type Arrays = ReadonlyMap<string, Tensor>;

/** What a shard's file holds. */
const passes: {
  readonly [K in Made['kind']]: (
    asked: Extract<Made, { kind: K }>,
    over: Passes,
    job: ShardJob,
  ) => Promise<RowPass<Arrays>> | RowPass<Arrays>;
} = {
  factors: (_, over) =>
    told(factorPass(over), (arrays, rows) =>
      [...arrays].map(([name, values]) => [name, float32([rows, values.length / rows], values)]),
    ),
  projections: async ({ matrices }, over, job) =>
    told(projectionPass(over, readMatrices(await job.blob(matrices))), ({ columns, data }, rows) => [
      ['rows', float32([rows, columns], data as Float32Array)],
    ]),
  covariances: async ({ labels }, over, { work }) =>
    told(await covariancePass(over, labels, work.seed), (blocks) => sumArrays(flattened(blocks))),
  squares: async ({ labels, matrices }, over, job) =>
    told(await squarePass(over, readRotations(await job.blob(matrices)), labels, job.work.seed), sumArrays),
};

function passFor(asked: Made, over: Passes, job: ShardJob) {
  // The table's row and the request have the same kind, which the type of a lookup cannot say.
  return passes[asked.kind](asked as never, over, job);
}

/** Sums over rows, which the runtime added up in float32. */
const sumArrays = (sums: readonly Float64Array[]): [string, Tensor][] =>
  sums.map((values, k) => [String(k), tensor('float32', [values.length], Float32Array.from(values))]);

/** The arrays of {@link sumArrays}, added to what other shards gave. */
export function addSums(bytes: Uint8Array, to: Float64Array[]): void {
  for (const [k, { data }] of readSafetensors(bytes).tensors) {
    to[Number(k)] ??= new Float64Array(data.length);
    const sum = to[Number(k)];
    for (let j = 0; j < sum.length; j++) sum[j] += data[j] as number;
  }
}

function told<T>(
  pass: RowPass<T>,
  arrays: (of: T, rows: number) => (readonly [string, Tensor])[],
): RowPass<ReadonlyMap<string, Tensor>> {
  return { of: async (shard) => new Map(arrays(await pass.of(shard), shard.to - shard.from)), close: pass.close };
}

/** Matrices of both sides of every block, as a file; of sides in parts one for each, of those that stay their width. */
export function writeMatrices(of: readonly Rotation[]): Uint8Array {
  const tensors = new Map<string, Tensor>();
  const put = (name: string, { rows, columns, data }: Matrix) =>
    tensors.set(name, tensor('float64', [rows, columns], Float64Array.from(data)));
  for (const [b, sides] of of.entries())
    for (const name of ['left', 'right'] as const) {
      const side = sides[name];
      if (!('parts' in side)) put(`${b}/${name}`, side);
      else if (side.parts.length === 0) tensors.set(`${b}/${name}/unchanged`, int64([1], [side.rows]));
      else for (const [k, part] of side.parts.entries()) put(`${b}/${name}/${k}`, part);
    }
  return writeSafetensors(tensors);
}

function readRotations(bytes: Uint8Array): Rotation[] {
  const { tensors } = readSafetensors(bytes);
  const read = (name: string) => {
    const found = tensors.get(name) as Tensor<'float64'> | undefined;
    return found && matrix(found.shape[0], found.shape[1], found.data);
  };
  const side = (name: string): Side | undefined => {
    const width = tensors.get(`${name}/unchanged`);
    if (width) return unchanged(Number(width.data[0]));
    const parts: Matrix[] = [];
    for (let part = read(`${name}/0`); part; part = read(`${name}/${parts.length}`)) parts.push(part);
    return parts.length > 0 ? alongDiagonal(parts) : read(name);
  };
  const found: Rotation[] = [];
  for (let left = side('0/left'); left; left = side(`${found.length}/left`))
    found.push({ left, right: side(`${found.length}/right`) as Side });
  return found;
}

/** Projections are whole matrices. */
const readMatrices = (bytes: Uint8Array) => readRotations(bytes) as TwoSided[];
