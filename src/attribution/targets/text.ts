import { WhereforeError } from '../../errors.ts';
import { type Form, formIn, formTexts, prefixed, unknownForm } from '../../forms.ts';
import type { ReadTarget, TargetOf, TargetSurroundings } from './kind.ts';
import { bareClass } from './kinds/class-logit.ts';
import { type Target, targetKinds } from './kinds/index.ts';

const forms: readonly Form<ReadTarget<Target>>[] = Object.values(targetKinds).flatMap((row) => row.forms);

/** How a target is written, for help and messages. */
export const targetForms = formTexts(forms);

/**
 * Reads a target as a person writes it: `281`, `tabby`, `probability:281`, `difference:281,282`, `token:-1,403`,
 * `logits[3]`, `region:15`, `logits[3] - max(logits[5], logits[7])`.
 * @throws WhereforeError `invalid-argument` naming the forms that exist, `unknown-name` for a label that the model lacks
 */
export async function readTarget(text: string, surroundings: TargetSurroundings): Promise<TargetOf<Target>> {
  // Labels may look like a formula, or like a word and a colon.
  if (surroundings.labels?.includes(text)) return bareClass.read(text, surroundings);
  const found = formIn(text, forms);
  if (found) return found.form.read(found.argument, surroundings);
  if (text.trim() !== '' && prefixed(text).name === undefined) return bareClass.read(text, surroundings);
  throw unknownForm(`--target ${text}: there is no such kind of target`, text, forms);
}

/**
 * A target as {@link readTarget} reads it again, classes by their labels where that is plain.
 * @throws WhereforeError `invalid-argument` for a target that a few words do not hold: a region, an embedding
 */
export function targetText(target: Target, labels: readonly string[] | undefined): string {
  const className = (index: number) => {
    const label = labels?.[index];
    const isPlain = label && !/[,:()[\]]|^-?\d+$/.test(label) && labels.indexOf(label) === index;
    return isPlain ? label : String(index);
  };
  const text = targetKinds[target.kind].write(target, className);
  if (text !== undefined) return text;
  throw new WhereforeError('invalid-argument', 'the target cannot be written as --target', {
    got: target.kind,
    expected: targetForms,
  });
}
