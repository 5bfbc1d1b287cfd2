import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { codeOf, systemReasons } from '../files/file-errors.ts';
import { abandonedOf, temporaryPath } from '../files/temporary.ts';

/** A file that is being downloaded. It has its name when it is whole; until then others do not see it. */
export interface PartFile {
  /** Bytes that are there, those of an earlier attempt among them. */
  readonly size: number;
  append(piece: Uint8Array): Promise<void>;
  /** Throws away what is there. */
  restart(): Promise<void>;
  pieces(): AsyncIterable<Uint8Array>;
  /** Gives the file its name. */
  finish(): Promise<void>;
  /** Leaves what is there as `NAME.part`, for the next attempt; nothing where nothing is there. */
  leave(): Promise<void>;
}

/**
 * Opens what there is of a file, or begins it. What an earlier attempt left is taken over under a name of this process,
 * so that two that download the same do not write into each other's.
 * @throws WhereforeError `file-unwritable`
 */
export async function openPart(target: string): Promise<PartFile> {
  const mine = temporaryPath(target);
  const left = `${target}.part`;
  const written = <T>(work: Promise<T>) =>
    work.catch((cause: unknown) => {
      const code = codeOf(cause);
      throw new WhereforeError('file-unwritable', systemReasons[code ?? ''] ?? 'the file cannot be written', {
        where: target,
        got: code,
        fix: 'free some space, or keep models elsewhere: WHEREFORE_HUB=FOLDER',
        cause,
      });
    });
  await written(mkdir(dirname(target), { recursive: true }));
  const former = (await stat(left).catch(() => undefined)) ? left : await abandonedOf(target);
  if (former !== undefined) await rename(former, mine).catch(() => undefined);
  const handle: FileHandle = await written(open(mine, 'a+'));
  let size = (await handle.stat()).size;
  return {
    get size() {
      return size;
    },
    async append(piece) {
      await written(handle.appendFile(piece));
      size += piece.length;
    },
    async restart() {
      await written(handle.truncate(0));
      size = 0;
    },
    pieces: () => handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 2 ** 20 }),
    async finish() {
      await written(handle.sync());
      await handle.close();
      await written(rename(mine, target));
    },
    async leave() {
      await handle.close().catch(() => undefined);
      await (size > 0 ? rename(mine, left) : rm(mine, { force: true })).catch(() => undefined);
    },
  };
}
