import { WhereforeError } from '../errors.ts';
import type { EncoderChoice } from '../provenance/image/encoder.ts';

/** The encoders of an index in its order, each by a file that the command names. @throws WhereforeError `invalid-argument` */
export function encodersAsked(
  entries: readonly { readonly name: string; readonly layer: string }[],
  files: readonly string[] = [],
): EncoderChoice[] {
  if (files.length !== entries.length)
    throw new WhereforeError('invalid-argument', 'the encoders of the index are needed to trace in it', {
      got: files.length === 0 ? 'none' : files.join(', '),
      expected: entries.length === 0 ? 'none: the index has none' : entries.map(({ name }) => name).join(', '),
      fix: entries.length === 0 ? 'leave out --encoder' : 'give each with --encoder MODEL.onnx, in this order',
    });
  return entries.map(({ layer }, e) => ({ model: files[e], layer }));
}
