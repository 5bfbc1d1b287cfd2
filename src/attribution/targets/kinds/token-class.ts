import * as z from 'zod/mini';
import type { ModelInput } from '../../../data/inputs/model-input.ts';
import { WhereforeError } from '../../../errors.ts';
import { unknownName } from '../../../nearest.ts';
import { type OfOutput, ofOutput, type Said, type TargetKind } from '../kind.ts';
import { partsForm } from '../parts.ts';
import { checkIndex, expectRank, flatElement } from '../target-source.ts';

/** The score of a class at one token of an output [batch, token, class], before softmax. */
export interface TokenClassTarget extends OfOutput {
  readonly kind: 'tokenClass';
  readonly position: number;
  readonly class: number;
}

export const tokenClass = {
  schema: z.object({ kind: z.literal('tokenClass'), position: z.int(), class: z.int(), ...ofOutput }),
  forms: [
    partsForm('tag', 'tag:WORD or tag:WORD,CLASS', [1, 2], (parts, { classOf }) => {
      const [word, label] = parts;
      const wanted = label === undefined ? undefined : classOf(label);
      if (wanted !== undefined && isNumber(word)) return { kind: 'tokenClass', position: Number(word), class: wanted };
      return (input, said) => {
        const position = positionOf(word, input);
        return {
          kind: 'tokenClass',
          output: said.summary.output,
          position,
          class: wanted ?? predictedAt(position, input, said),
        };
      };
    }),
  ],
  unit: 'logits',
  compile: (source, target) => {
    const [positions, classes] = expectRank(source, 2, '[batch, token, class]');
    checkIndex(source, target.position, positions, 'token');
    checkIndex(source, target.class, classes, 'class');
    return flatElement(source, source.scores, target.position * classes + target.class);
  },
  describe: (target, { name, of }) => `logit of class ${name(target.class)} at token ${target.position}${of}`,
  write: (target, className) => `tag:${target.position},${className(target.class)}`,
  about: (target) => [target.class],
} satisfies TargetKind<TokenClassTarget>;

const isNumber = (text: string) => /^\d+$/.test(text);

/** The first token of a word: its number, the word, or `word#2` for the second of its kind. */
function positionOf(text: string, { source, groups }: ModelInput): number {
  if (isNumber(text)) return Number(text);
  if (groups?.kind !== 'words') {
    throw new WhereforeError('invalid-argument', `--target tag:${text}`, {
      where: source,
      got: 'an input that is no text',
      expected: 'the number of a token, from 0',
    });
  }
  const words = groups.texts.map((word) => word.trim());
  const [, name = text, rank = '1'] = /^(.+)#([1-9]\d*)$/.exec(text) ?? [];
  const [exact, loose] = [(word: string) => word === name, (word: string) => word.toLowerCase() === name.toLowerCase()];
  for (const fits of [exact, loose]) {
    const found = words.flatMap((word, i) => (fits(word) ? [i] : []))[Number(rank) - 1];
    if (found !== undefined) return groups.of.indexOf(found);
  }
  throw unknownName(
    '--target tag: the text has no word',
    text,
    words.filter((_, i) => !groups.special?.includes(i)),
    { where: source, fix: 'name one of these words, or the number of a token, from 0' },
  );
}

/** @throws WhereforeError `invalid-argument` for a token that the model was not read at */
function predictedAt(position: number, { source }: ModelInput, { tokenClasses, summary }: Said): number {
  const found = tokenClasses?.get(position);
  if (found !== undefined) return found;
  throw new WhereforeError('invalid-argument', `--target tag:${position} does not say which class`, {
    where: source,
    got: tokenClasses
      ? 'a special token, padding, or no first token of a word'
      : `output "${summary.output}" of a model that is not known to classify tokens`,
    fix: tokenClasses
      ? `name the class: tag:${position},CLASS`
      : 'set task: token-classification in wherefore.yaml, or name the class: tag:POSITION,CLASS',
  });
}
