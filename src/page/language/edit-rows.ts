import type { EditDocument } from '../../language/edit/edit-fact.ts';
import { numberText } from '../number-text.ts';

/** What an edit does besides, as rows of a table with a head. */
export function editRows({ effects }: EditDocument): string[][] {
  const share = (value: number | null) => (value === null ? '–' : value.toFixed(2));
  return [
    ['', 'log p of the answer', 'is written', 'paraphrases', 'neighbours changed', 'KL of neighbours', 'perplexity'],
    ...effects.map((one) => [
      one.name,
      numberText(one.logProbability, 3),
      one.efficacy === 1 ? 'yes' : 'no',
      share(one.paraphrases),
      share(one.neighboursChanged),
      one.neighboursKl === null ? '–' : numberText(one.neighboursKl, 2),
      numberText(one.perplexity, 4),
    ]),
  ];
}
