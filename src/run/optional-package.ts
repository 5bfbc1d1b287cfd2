import { WhereforeError } from '../errors.ts';

/**
 * Packages that are loaded when they are asked for. What is used of them is typed where it is used, so that neither this
 * package nor those that import its types need them installed.
 */
const optionalPackages = {
  bullmq: 'a queue',
  ioredis: 'a queue',
  '@aws-sdk/client-s3': 'storage in a bucket',
} as const;

/** @throws WhereforeError `invalid-argument` where it is not installed, with the command that installs it */
export async function optionalPackage<T>(name: keyof typeof optionalPackages): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new WhereforeError('invalid-argument', `${optionalPackages[name]} needs a package that is not installed`, {
      got: `no ${name}`,
      fix: `npm install ${name}`,
      cause,
    });
  }
}
