import { describeTarget, type Target } from '../attribution/target/target.ts';
import type { LoadedModel } from '../data/load-model.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import { tokenizerOf } from '../data/text-input.ts';
import { vocabularyOf } from './plan.ts';

/** What classes and tokens are called, and whether something other than the document says so. */
export interface Labels {
  readonly names: readonly string[] | undefined;
  readonly isKnown: boolean;
}

/** Labels as they stand beside the model now; those in the document itself where nothing does. */
export async function labelsNow(model: LoadedModel, preprocessing: Preprocessing): Promise<Labels> {
  const tokenizer = await tokenizerOf(model, preprocessing);
  if (tokenizer) return { names: vocabularyOf(tokenizer), isKnown: true };
  if (model.preprocessing) return { names: model.preprocessing.labels, isKnown: true };
  const { labels } = preprocessing;
  if (labels === undefined) return { names: undefined, isKnown: true };
  return { names: typeof labels === 'string' ? undefined : labels, isKnown: false };
}

/** Whether a description is that of a target, whatever its classes are called. */
export function describesTarget(description: string, target: Target): boolean {
  const anyName = '\u0000';
  const named = new Proxy<readonly string[]>([], { get: () => anyName });
  const parts = describeTarget(target, named).split(` "${anyName}"`);
  let rest = description;
  for (const [i, part] of parts.entries()) {
    const at = i === 0 ? 0 : rest.indexOf(part, part === '' ? rest.length : 0);
    if (at < 0 || !rest.startsWith(part, at)) return false;
    rest = rest.slice(at + part.length);
  }
  return rest === '';
}
