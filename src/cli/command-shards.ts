import * as z from 'zod/mini';
import type { PlannedTraining } from '../influence/retraining/retraining.ts';
import { type ShardProgram, sha256 } from '../run/shard.ts';
import { contract, expand, type PlannedWork } from './planned-trainings.ts';
import { type CommandRows, type TrainCommand, trainByCommand } from './train-command.ts';

const parameters = z.strictObject({
  train: z.string(),
  evaluate: z.optional(z.string()),
  lowerIsBetter: z.boolean(),
  rows: z.string(),
});

/** File of a shard: the measured number of each training. */
export const measuredFile = 'measured.json';

/** Trains and measures by commands of the user, for a range of the trainings. */
export const commandProgram: ShardProgram = {
  version: 1,
  async open(job) {
    const { rows: hash, ...commands } = parameters.parse(job.work.parameters);
    const rows = JSON.parse(new TextDecoder().decode(await job.blob(hash))) as CommandRows;
    const planned = expand(await job.blob(job.work.data as string), rows.ids.length);
    return {
      async compute({ from, to }, report) {
        const began = performance.now();
        const values: number[] = [];
        for (const one of planned.slice(from, to)) {
          values.push(await trainByCommand(commands, rows, one, job.signal));
          report(values.length);
        }
        const seconds = (performance.now() - began) / 1000;
        const files = { [measuredFile]: new TextEncoder().encode(`${JSON.stringify(values)}\n`) };
        return { files, cost: { forward: 0, backward: 0, seconds } };
      },
      close: async () => undefined,
    };
  },
};

/** Plans trainings by a command, each a shard. */
export function planCommands(
  commands: TrainCommand,
  rows: CommandRows,
  trainings: readonly PlannedTraining[],
): PlannedWork {
  const data = contract(trainings);
  const content = new TextEncoder().encode(JSON.stringify(rows));
  return {
    data,
    blobs: [content],
    work: {
      program: 'retrain-command',
      version: commandProgram.version,
      data: sha256(data),
      parameters: { ...commands, rows: sha256(content) },
      seed: 0,
      count: trainings.length,
      shardSize: 1,
    },
  };
}
