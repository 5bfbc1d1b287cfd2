import { type MethodName, methods as methodTable } from '../attribution/methods/index.ts';
import { describedText } from '../data/inputs/described-text.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { checkMethods } from '../explain/plan.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import type { Question } from '../explain/request.ts';
import { parseBaseline } from './baseline-text.ts';
import { parseGroups } from './groups-text.ts';
import { parseSettings } from './settings-text.ts';
import { parseTarget } from './target-text.ts';

/** What a person asks of a model, in their words: plain data, so that another process can read it as well. */
export interface QuestionTexts {
  readonly target?: readonly string[];
  readonly baseline?: readonly string[];
  readonly layer?: readonly string[];
  readonly method?: readonly string[];
  readonly groups?: string;
  readonly textColumn?: string;
  readonly set: readonly string[];
}

/** Methods and their parameters, which can be checked before a model is loaded. @throws WhereforeError */
export function parseMethods({ method, set }: QuestionTexts): Pick<Question, 'methods' | 'parameters'> {
  const methods = method as readonly MethodName[] | undefined;
  const parameters = parseSettings(set, [methodTable], 'METHOD.PARAMETER=VALUE, e.g. integrated-gradients.steps=100');
  checkMethods({ methods, parameters });
  return { methods, parameters };
}

/** The question that the words mean for a model. @throws WhereforeError naming the option */
export async function parseQuestion(
  model: LoadedModel,
  texts: QuestionTexts,
): Promise<Question & { readonly preprocessing: Preprocessing }> {
  const preprocessing = withTextColumn(preprocessingOf(model, {}), texts.textColumn);
  const target = (text: string) => parseTarget(text, model, preprocessing);
  const baseline = (text: string) => parseBaseline(text, model, preprocessing);
  return {
    ...parseMethods(texts),
    preprocessing,
    layers: texts.layer,
    target: texts.target && (await Promise.all(texts.target.map(target))),
    baseline: texts.baseline && (await Promise.all(texts.baseline.map(baseline))),
    groups: texts.groups === undefined ? undefined : await parseGroups(texts.groups, model, preprocessing),
  };
}

/** Texts of tables in the column that was named. */
function withTextColumn(preprocessing: Preprocessing, column: string | undefined): Preprocessing {
  const text = describedText(preprocessing);
  if (column === undefined) return preprocessing;
  if (!text) {
    throw new WhereforeError('invalid-argument', 'a column of texts is named, but the model takes no text', {
      got: `--text-column ${column}`,
      fix: 'leave it out',
    });
  }
  return { ...preprocessing, inputs: { ...preprocessing.inputs, [text.name]: { ...text.input, column } } };
}
