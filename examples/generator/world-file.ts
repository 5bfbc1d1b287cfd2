import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TokenRow } from './generator.ts';

/** Tokens of the images of a world by the names of their files, and the codebook. */
export interface World {
  readonly codebook: Float32Array;
  readonly tokens: Readonly<Record<string, TokenRow>>;
}

export function readWorld(folder: string): World {
  const { codebook, tokens } = JSON.parse(readFileSync(join(folder, 'world.json'), 'utf8'));
  return { codebook: new Float32Array(codebook), tokens };
}

/** The tokens of the file of an image. */
export function tokensOf({ tokens }: World, path: string): TokenRow {
  const name = basename(path);
  if (Object.hasOwn(tokens, name)) return tokens[name];
  throw new Error(`the world has no image ${name}`);
}
