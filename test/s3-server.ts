import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An S3-compatible service on a free port of this machine, with one bucket. */
export interface S3Server {
  readonly bucket: string;
  /** The environment that leads clients to it. */
  readonly environment: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

interface S3rver {
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}

export async function startS3(): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 'wherefore-s3-'));
  // It has no types; its address is that of one machine only.
  const name: string = 's3rver';
  const { default: Server } = (await import(name)) as { default: new (options: object) => S3rver };
  const bucket = 'runs';
  const options = { port: 0, address: '127.0.0.1', silent: true, directory, configureBuckets: [{ name: bucket }] };
  const server = new Server(options);
  const { port } = await server.run();
  return {
    bucket,
    environment: {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
    },
    async remove() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
