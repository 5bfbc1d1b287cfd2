import { withFile } from '../data/files/open-file.ts';
import { WhereforeError } from '../errors.ts';
import { optionalPackage } from './optional-package.ts';
import type { RunStorage } from './storage.ts';

/** What is used of `@aws-sdk/client-s3`. */
interface S3 {
  readonly S3Client: new (options: object) => { send(command: unknown): Promise<S3Answer> };
  readonly GetObjectCommand: new (input: object) => unknown;
  readonly PutObjectCommand: new (input: object) => unknown;
  readonly HeadObjectCommand: new (input: object) => unknown;
  readonly DeleteObjectCommand: new (input: object) => unknown;
  readonly ListObjectsV2Command: new (input: object) => unknown;
}

interface S3Answer {
  readonly Body?: { transformToByteArray(): Promise<Uint8Array> };
  readonly Contents?: readonly { readonly Key: string }[];
  readonly NextContinuationToken?: string;
}

/**
 * Files of a run as objects of an S3-compatible bucket: `s3://bucket/prefix`. The address of the service, region and
 * keys come from the environment as the AWS tools have it: `AWS_ENDPOINT_URL_S3`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
 * `AWS_SECRET_ACCESS_KEY`, profiles. An object appears whole or not at all.
 * @throws WhereforeError `invalid-argument` for an address without a bucket
 */
export async function s3Storage(url: string): Promise<RunStorage> {
  const [, Bucket, path = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(url) ?? [];
  if (!Bucket) {
    throw new WhereforeError('invalid-argument', 'a bucket is missing', { got: url, expected: 's3://BUCKET/PREFIX' });
  }
  const s3 = await optionalPackage<S3>('@aws-sdk/client-s3');
  const client = new s3.S3Client({
    // A service of one's own has seldom a name for each bucket, and may not know the newest checksums.
    forcePathStyle: process.env.AWS_ENDPOINT_URL_S3 !== undefined || process.env.AWS_ENDPOINT_URL !== undefined,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const before = path === '' ? '' : `${path}/`;
  const named = (name: string) => ({ Bucket, Key: `${before}${name}` });
  const send = async (command: unknown, name: string): Promise<S3Answer | undefined> => {
    try {
      return await client.send(command);
    } catch (cause) {
      if (['NoSuchKey', 'NotFound'].includes((cause as Error).name)) return undefined;
      throw new WhereforeError('file-unreadable', 'the bucket does not answer as it should', {
        where: `s3://${Bucket}/${before}${name}`,
        got: (cause as Error).message || (cause as Error).name,
        fix: 'check AWS_ENDPOINT_URL_S3, AWS_REGION, the keys, and that the bucket is there',
        cause,
      });
    }
  };
  const write = async (name: string, content: Uint8Array | string) =>
    void (await send(new s3.PutObjectCommand({ ...named(name), Body: content }), name));
  const remove = async (name: string) => void (await send(new s3.DeleteObjectCommand(named(name)), name));
  const list = async (prefix: string): Promise<string[]> => {
    const names: string[] = [];
    for (let token: string | undefined; ; ) {
      const Prefix = `${before}${prefix}`;
      const answer = await send(new s3.ListObjectsV2Command({ Bucket, Prefix, ContinuationToken: token }), prefix);
      for (const { Key } of answer?.Contents ?? []) names.push(Key.slice(before.length));
      if (!(token = answer?.NextContinuationToken)) return names.sort();
    }
  };
  return {
    url: `s3://${Bucket}/${path}`,
    async read(name) {
      const answer = await send(new s3.GetObjectCommand(named(name)), name);
      return answer?.Body?.transformToByteArray();
    },
    write,
    list,
    remove,
    async removeFolder(name) {
      for (const one of await list(name)) await remove(one);
    },
    async adopt(name, file) {
      if (await send(new s3.HeadObjectCommand(named(name)), name)) return;
      await write(name, await withFile(file, 'weights', {}, (opened) => opened.bytes()));
    },
    clear: async () => undefined,
  };
}
