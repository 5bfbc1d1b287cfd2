import { readText } from '../files/read-file.ts';
import { withinTime } from '../files/within-time.ts';
import { parseTokenizer, type Tokenizer } from './tokenizer.ts';

/**
 * Reads a `tokenizer.json` (Hugging Face) of the disk.
 * @throws WhereforeError `file-not-found`, `invalid-data` for another form
 */
export async function readTokenizer(path: string): Promise<Tokenizer> {
  return parseTokenizer(await readText(path, 'tokenizer'), { where: path, within: withinTime });
}
