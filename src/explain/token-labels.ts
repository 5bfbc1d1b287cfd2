import type { ModelInput } from '../data/inputs/model-input.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { toNumbers } from '../tensor/convert.ts';
import { softmax } from './class-reading.ts';

/** Labels of tokens that are told at most. */
const shown = 8;

interface Asked {
  readonly output: string;
  /** `[1, token, class]` */
  readonly shape: readonly number[];
  readonly scores: readonly number[];
  readonly labels: readonly string[] | undefined;
  readonly inputs: Tensors;
  readonly preprocessing: Preprocessing;
  /** The words of the text, where it was given as one. */
  readonly words: ModelInput['groups'];
}

/**
 * What a model for token classification says: the most probable class of each word, by its first token, of those that
 * are not `O` (outside of everything that is looked for), in their order. The most certain one is what is explained.
 */
export function tokenLabels({ output, shape, scores, labels, inputs, preprocessing, words }: Asked) {
  const [, , classes] = shape;
  const outside = labels?.indexOf('O') ?? -1;
  const all = readTokens(shape, inputs, preprocessing, words).map((position) => {
    const probabilities = softmax(scores.slice(position * classes, (position + 1) * classes));
    let best = 0;
    for (let c = 1; c < classes; c++) if (probabilities[c] > probabilities[best]) best = c;
    return { position, index: best, value: probabilities[best] };
  });
  const found = all.filter(({ index }) => index !== outside);
  const told = found.length > 0 ? found : all;
  const first = told.reduce((most, one) => (one.value > most.value ? one : most));
  const name = (position: number) => words?.texts[words.of[position]].trim();
  // The most certain ones, in the order of the text.
  const top = [...told]
    .sort((a, b) => b.value - a.value)
    .slice(0, shown)
    .sort((a, b) => a.position - b.position);
  const word = name(first.position);
  const which = `${word === undefined ? '' : `"${word}", `}token ${first.position}`;
  const reason =
    outside < 0 || found.length === 0
      ? 'the token whose class is most certain'
      : 'the most certain token that is not "O"';
  return {
    summary: {
      output,
      kind: 'token-label',
      top: top.map(({ position, index, value }) => ({
        index,
        label: labels?.[index],
        value,
        position,
        token: name(position),
      })),
    },
    target: { kind: 'tokenClass' as const, output, position: first.position, class: first.index },
    chosen: `explained is ${which}: ${reason}; another one with --target tag:WORD, tag:POSITION or tag:WORD,CLASS`,
    tokenClasses: new Map(all.map(({ position, index }) => [position, index])),
  };
}

/** The first token of each word, without special tokens and padding. */
function readTokens(
  [, count]: readonly number[],
  inputs: Tensors,
  preprocessing: Preprocessing,
  words: ModelInput['groups'],
): number[] {
  const masks = Object.entries(preprocessing.inputs).flatMap(([name, input]) =>
    input.kind === 'text' && input.part === 'mask' && inputs.has(name) ? [toNumbers(inputs.get(name) as never)] : [],
  );
  const isRead = (position: number) =>
    masks.every((mask) => mask.length !== count || mask[position] !== 0) &&
    (words === undefined ||
      (words.of.indexOf(words.of[position]) === position && !words.special?.includes(words.of[position])));
  const read = Array.from({ length: count }, (_, position) => position).filter(isRead);
  return read.length > 0 ? read : [0];
}
