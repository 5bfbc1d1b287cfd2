import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { serveQueue } from '../run/queue-worker.ts';
import { withoutPassword } from '../run/redis.ts';
import { interruptible } from './failure.ts';
import { type RuntimeOptions, threadsOption } from './options.ts';
import { localPrograms, shardPrograms } from './shard-programs.ts';
import { tell } from './terminal.ts';

interface Options extends Pick<RuntimeOptions, 'threads'> {
  readonly storage?: string;
  readonly commands?: boolean;
}

export function defineWorker(program: Command): void {
  const command = program
    .command('worker')
    .description('computes shards for commands with --queue, until it is stopped; any number, on any machine')
    .argument('<address>', 'redis://HOST:PORT, as the commands have it')
    .option(
      '--storage <place>',
      'the storage of the commands as this machine sees it: a folder, or s3://BUCKET/PREFIX; default: what they say',
    )
    .option(
      '--commands',
      'also runs training commands (retrain --train): whoever reaches the queue may then run anything here',
    );
  threadsOption(command, 'threads of the runtime; default 1: results have the same bits everywhere').action(
    (address: string, options: Options) => interruptible((signal) => run(address, options, signal), 'stopped'),
  );
}

async function run(url: string, { storage, threads, commands }: Options, signal: AbortSignal): Promise<void> {
  await serveQueue({
    url,
    threads,
    signal,
    programs: commands ? localPrograms : shardPrograms,
    storage: storage === undefined ? undefined : (place) => below(storage, place),
    onReady: () => tell(`listens at ${withoutPassword(url)}; Ctrl-C stops`),
    onShard: ({ work, shard: { from, to }, how, seconds }) =>
      tell(
        how === 'computed'
          ? `${work.program}: items ${from} to ${to - 1} of ${work.count} in ${seconds.toFixed(1)} s`
          : `${work.program}: items ${from} to ${to - 1} were done already`,
      ),
    onFailed: (work, { from, to }, error) =>
      tell(`${work.program}: items ${from} to ${to - 1} failed: ${error instanceof Error ? error.message : error}`),
  });
}

/** Where a run of the commands' storage lies in the storage as it is seen here. */
function below(storage: string, place: string): string {
  const id = basename(place);
  return storage.includes('://') ? `${storage.replace(/\/+$/, '')}/${id}` : resolve(join(storage, id));
}
