import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseTokenizer, type Tokenizer } from '../../src/data/inputs/tokenizer.ts';

/** Folder of small decoders with random weights, each as an exporter writes it. */
export const languageFixtures = fileURLToPath(new URL('../fixtures/language', import.meta.url));

/** A tokenizer like Llama's: a space before the text, a few words, and bytes for every other letter. */
export const byteTokenizerPath = `${languageFixtures}/tokenizer.json`;

export const byteTokenizer = (): Tokenizer => parseTokenizer(readFileSync(byteTokenizerPath, 'utf8'));
