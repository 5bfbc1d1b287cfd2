import { methods as methodTable } from '../attribution/methods/index.ts';
import type { Meaning } from '../attribution/methods/method.ts';
import { lookup } from '../tensor/lookup.ts';
import type { ExplanationDocument } from './document.ts';

const share: Meaning = { kind: 'share', what: 'a share of the difference' };

/** What the values of an explanation are; of a method that the table does not have, shares. */
export function meaningOf({ meaning, method }: Pick<ExplanationDocument, 'meaning' | 'method'>): Meaning {
  return meaning ?? lookup(methodTable, method)?.meaning ?? share;
}

/** Whether the values promise to add up to something, so that there is an error. */
export function promisesSum(document: Pick<ExplanationDocument, 'meaning' | 'method'>): boolean {
  return meaningOf(document).kind === 'share';
}

/** Whether each value is a mean output or similarity, which does not add up with others. */
export function isMean(document: Pick<ExplanationDocument, 'meaning' | 'method'>): boolean {
  return meaningOf(document).isMean === true;
}
