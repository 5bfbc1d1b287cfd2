import type { Target } from '../attribution/targets/kinds/index.ts';
import { describeTarget } from '../attribution/targets/target.ts';
import { tokenizerOf } from '../data/inputs/tokenizer-of.ts';
import { type LoadedModel, labelsOf } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import type { ExplanationDocument } from './document.ts';
import { vocabularyOf } from './plan.ts';

/** What classes and tokens are called, and whether something other than the document says so of the classes. */
export interface Labels {
  readonly classes: readonly string[] | undefined;
  readonly tokens: readonly string[] | undefined;
  readonly isKnown: boolean;
}

/** Labels as the model has them now, in it or beside it; those in the document itself where it has none. */
export async function labelsNow(
  model: LoadedModel,
  preprocessing: Preprocessing,
  { prediction }: Pick<ExplanationDocument, 'prediction'>,
): Promise<Labels> {
  const tokenizer = await tokenizerOf(model, preprocessing);
  const tokens = tokenizer && vocabularyOf(tokenizer);
  const isNamed = prediction?.top.some(({ label }) => label !== undefined) ?? false;
  const isKnown = model.labels !== undefined || tokens !== undefined || !isNamed;
  return { classes: model.labels ?? labelsOf(model, preprocessing), tokens, isKnown };
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
