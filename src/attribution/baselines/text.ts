import type { ModelInput } from '../../data/inputs/model-input.ts';
import { WhereforeError } from '../../errors.ts';
import { formIn, formTexts, unknownForm } from '../../forms.ts';
import type { Baseline } from '../baseline.ts';
import { baselineKind, baselineKinds, type InputBaseline } from './index.ts';
import type { BaselineSurroundings } from './kind.ts';

const forms = Object.values(baselineKinds).flatMap((row) => row.forms);

/** How a baseline of one input is written, for help and messages. */
export const baselineForms = formTexts(forms);

/**
 * Reads a baseline of one input as a person writes it. Files and colours become tensors once the input is known.
 * @throws WhereforeError `invalid-argument` naming the forms that exist
 */
export async function readBaseline(
  text: string,
  surroundings: BaselineSurroundings,
): Promise<(input: ModelInput) => InputBaseline> {
  const found = formIn(text, forms);
  if (found) return found.form.read(found.argument, surroundings);
  throw unknownForm(`--baseline ${text}: there is no such baseline`, text, forms);
}

/**
 * A baseline as {@link readBaseline} reads it again.
 * @throws WhereforeError `invalid-argument` for a baseline that a word does not hold: tensors, several draws of noise
 */
export function baselineText(baseline: Baseline): string {
  const text = baseline.kind === 'each' ? undefined : baselineKind(baseline.kind)?.write(baseline);
  if (text !== undefined) return text;
  throw new WhereforeError('invalid-argument', 'the baseline cannot be written as --baseline', {
    got: baseline.kind,
    expected: baselineForms,
  });
}
