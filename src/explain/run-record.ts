import { portablePath } from '../data/files/portable-path.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { packageVersion } from './version.ts';

/** What made a run, besides what it computes. */
export interface RunOrigin {
  /** The command line, as it could be typed again. */
  readonly command?: string;
  readonly started: Date;
  readonly seed?: number;
}

/** Versions that a result may depend on. */
export function versionsOf({ executor: { runtime }, edge }: Pick<LoadedModel, 'executor' | 'edge'>) {
  return {
    wherefore: packageVersion,
    runtime: `${runtime.name} ${runtime.version}`,
    ...edge.versions,
  };
}

/** `run.json` of a run on one model: what every run states, and then what is its own. */
export function runRecord<Own extends object>(
  what: string,
  model: LoadedModel,
  { command, started, seed }: RunOrigin,
  own: Own,
) {
  return {
    format: 'wherefore/run',
    version: 1,
    what,
    state: 'complete',
    started: started.toISOString(),
    command,
    seed,
    versions: versionsOf(model),
    models: [{ name: model.name, path: model.path && portablePath(model.path, model.edge.folder), hash: model.hash }],
    ...own,
  };
}
