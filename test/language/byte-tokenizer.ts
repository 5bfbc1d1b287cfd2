import { fileURLToPath } from 'node:url';
import type { Tokenizer } from '../../src/data/inputs/tokenizer.ts';
import { readTokenizer } from '../../src/data/inputs/tokenizer-file.ts';

/** Folder of small decoders with random weights, each as an exporter writes it. */
export const languageFixtures = fileURLToPath(new URL('../fixtures/language', import.meta.url));

/** A tokenizer like Llama's: a space before the text, a few words, and bytes for every other letter. */
export const byteTokenizerPath = `${languageFixtures}/tokenizer.json`;

export const byteTokenizer = (): Promise<Tokenizer> => readTokenizer(byteTokenizerPath);
