import { bySize, type ExplanationFacts, rounded, sizeText, type ToldFeature, totalText } from './facts.ts';

/** Whom an explanation is told to. */
export type Audience = 'developer' | 'domain-user' | 'end-user';

export const audiences: readonly Audience[] = ['developer', 'domain-user', 'end-user'];

/** Features that are told one by one, on each side. */
const told: Readonly<Record<Audience, number>> = { developer: 8, 'domain-user': 4, 'end-user': 2 };

/** Shares below this part of the largest are not worth a word. */
const worthTelling = 0.05;

/**
 * An explanation in sentences, each made of what the explanation states and of nothing else.
 * Developers are told the method, the baseline and the error; users of the domain what raised and lowered the result and
 * by how much; those whom a decision concerns what counted for it and against it.
 */
export function tell(facts: ExplanationFacts, audience: Audience): string[] {
  const most = told[audience];
  const largest = Math.abs(bySize(facts.features)[0]?.share ?? 0);
  const side = (sign: 1 | -1) =>
    bySize(facts.features).filter(({ share }) => share * sign > 0 && Math.abs(share) >= worthTelling * largest);
  const [raising, lowering] = [side(1).slice(0, most), side(-1).slice(0, most)];
  return tellers[audience](facts, raising, lowering).filter((sentence) => sentence !== '');
}

/** What the one concerned can do about it. */
const ends: Readonly<Record<ExplanationFacts['kind'], string>> = {
  values: 'If one of these is wrong, ask for it to be put right and for a new decision.',
  words: 'If the text was misread, ask for a person to read it.',
  regions: 'If these parts of the image do not show what the system says, ask for a person to look at it.',
};

type Teller = (
  facts: ExplanationFacts,
  raising: readonly ToldFeature[],
  lowering: readonly ToldFeature[],
) => readonly string[];

const tellers: Readonly<Record<Audience, Teller>> = {
  developer(facts, raising, lowering) {
    const { method, baseline, features } = facts;
    const listed = new Set([...raising, ...lowering]);
    const rest = features.filter((feature) => !listed.has(feature));
    const restSum = rest.reduce((sum, { share }) => sum + share, 0);
    return [
      said(facts),
      compared(facts),
      `${capital(method)} ${baseline === undefined ? 'needs no baseline' : `attributes the difference from the baseline (${baseline})`}.`,
      raising.length > 0 ? `Raised by ${listText(raising.map((one) => amount(facts, one)))}.` : '',
      lowering.length > 0 ? `Lowered by ${listText(lowering.map((one) => amount(facts, one)))}.` : '',
      rest.length > 0
        ? `The ${rest.length} other ${rest.length === 1 ? 'feature' : 'features'} together ${restSum < 0 ? 'lower' : 'raise'} it by ${sizeText(facts, restSum)}.`
        : '',
      errorText(facts),
    ];
  },
  'domain-user': (facts, raising, lowering) => [
    said(facts),
    compared(facts),
    raising.length > 0 ? `What raised it most: ${listText(raising.map((one) => amount(facts, one)))}.` : '',
    lowering.length > 0 ? `What lowered it most: ${listText(lowering.map((one) => amount(facts, one)))}.` : '',
    raising.length + lowering.length === 0 ? 'No part of the input changed it.' : '',
    trust(facts),
    'This says what the model went by, not what causes what in the world.',
  ],
  'end-user': (facts, raising, lowering) => [
    `The system says “${facts.label}”.`,
    raising.length > 0 ? `What counted for it most: ${listText(raising.map((one) => named(facts, one)))}.` : '',
    lowering.length > 0 ? `What counted against it most: ${listText(lowering.map((one) => named(facts, one)))}.` : '',
    raising.length + lowering.length === 0 ? 'No part of what was given counted for or against it.' : '',
    ends[facts.kind],
  ],
};

const said = (facts: ExplanationFacts): string =>
  `The model gives ${totalText(facts, facts.value)} for “${facts.label}”.`;

function compared(facts: ExplanationFacts): string {
  const { baselineValue, difference, baseline } = facts;
  if (baselineValue === undefined || difference === undefined || baseline === undefined) return '';
  const way = difference < 0 ? 'less' : 'more';
  return `For the baseline (${baseline}) it gives ${totalText(facts, baselineValue)}, so the difference is ${sizeText(facts, difference)} ${way}.`;
}

function errorText(facts: ExplanationFacts): string {
  const { relativeError, sum } = facts;
  if (relativeError === undefined) return 'These values promise no sum, so there is no error to state.';
  const way = sum < 0 ? '−' : '+';
  return `The shares add up to ${way}${sizeText(facts, sum)}; the error is ${rounded(100 * relativeError, 2)} %.`;
}

/** Shares that miss the difference by more than this are no good account of it. */
const largeError = 0.05;

function trust({ relativeError }: ExplanationFacts): string {
  if (relativeError === undefined) return 'These values are no shares of the result, so they do not add up to it.';
  const percent = `${rounded(100 * relativeError, 2)} %`;
  return relativeError > largeError
    ? `Take it with care: the error is ${percent}.`
    : `The shares add up to the difference; the error is ${percent}.`;
}

/** `age (58)`, or `“not”` of a text. */
function named({ kind }: ExplanationFacts, { name, text }: ToldFeature): string {
  if (kind === 'words') return `“${name}”`;
  return text === undefined ? name : `${name} (${text})`;
}

const amount = (facts: ExplanationFacts, feature: ToldFeature): string =>
  `${named(facts, feature)} by ${sizeText(facts, feature.share)}`;

const listText = (parts: readonly string[]): string => parts.join('; ');

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
