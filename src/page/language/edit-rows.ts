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

/** Where the edit was tried, as rows of a table with a head. */
export function siteRows({ sites }: EditDocument): string[][] {
  return [
    ['layer', 'at', 'log p of the answer', 'KL over the texts', ''],
    ...sites.map(({ layer, at, logProbability, textsKl, chosen }) => [
      String(layer),
      at.trim(),
      numberText(logProbability, 3),
      textsKl === null ? 'does not bring it' : numberText(textsKl, 2),
      chosen ? 'taken' : '',
    ]),
  ];
}
