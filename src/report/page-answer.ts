import type { ExplanationDocument } from './document.ts';
import type { Explained } from './explained.ts';
import { describeMap, type Figure, strongestPlaces } from './figures.ts';
import { type Html, html } from './html.ts';
import { judge } from './judgement.ts';
import { numberText, percentText, signedText } from './number-text.ts';
import { amountsOf } from './page-features.ts';

/** The answer in three sentences: what the model said, what made it say so, and how far to trust that. */
export function renderAnswer(explained: readonly Explained[], figures: readonly Figure[]): Html {
  const best = mostTrusted(explained);
  const { document } = explained[best];
  const { verdict, grade } = judge(document);
  const many = explained.length > 1;
  return html`<p class="answer">${saidText(document)} ${reasonText(explained[best], figures[best])} <span class="verdict-word ${grade}">${many ? `${document.methodTitle}: ${verdict.charAt(0).toLowerCase()}${verdict.slice(1)}` : verdict}</span></p>`;
}

/** The explanation that accounts for its difference best: the one to read first. */
function mostTrusted(explained: readonly Explained[]): number {
  const errors = explained.map(({ document: { relativeError, implicitBaseline, isCut } }) =>
    relativeError === null || implicitBaseline !== null || !isCut ? Number.POSITIVE_INFINITY : relativeError,
  );
  // Below one in a hundred all are as good: the first asked for is the one that was wanted.
  const good = errors.findIndex((error) => error <= 0.01);
  return good >= 0 ? good : Math.max(0, errors.indexOf(Math.min(...errors)));
}

const verbs: Readonly<Record<string, string>> = {
  probability: 'says',
  detection: 'finds',
  token: 'would go on with',
  area: 'sees mostly',
};

/** `squeezenet says “tabby” (94.3 %).` */
function saidText({ prediction, model }: ExplanationDocument): string {
  const name = model.name.replace(/\.onnx$/, '');
  const first = prediction?.top[0];
  if (!prediction || !first) return '';
  if (prediction.kind === 'value')
    return `${name} gives ${numberText(first.value)}${first.label ? ` for “${first.label}”` : ''}.`;
  const what =
    first.label !== undefined
      ? `“${first.label}”`
      : `${prediction.kind === 'token' ? 'token' : 'class'} ${first.index}`;
  return `${name} ${verbs[prediction.kind] ?? 'says'} ${what} (${percentText(first.value)}).`;
}

function reasonText(explained: Explained, figure: Figure): string {
  const { targetDescription, value, baselineValue, baselineDescription, attributionTarget } = explained.document;
  const { total } = amountsOf(explained);
  const asked =
    baselineValue === null || attributionTarget === null || baselineDescription === null
      ? `Its ${targetDescription} is ${total(value)}.`
      : `Its ${targetDescription} is ${total(value)}, instead of ${total(baselineValue)} for the baseline (${baselineDescription}).`;
  return `${asked} ${partsText(explained, figure)}`;
}

/** What the map or the bars show, in a sentence. */
function partsText(explained: Explained, figure: Figure): string {
  const { share } = amountsOf(explained);
  if (figure.kind === 'map' && figure.mask) return `The mask: ${describeMap(figure)}.`;
  if (figure.kind === 'map') {
    const { most, least } = strongestPlaces(figure);
    const parts = [
      most && `the ${most.place} speaks for it most (${signedText(most.sum, 2)})`,
      least && `the ${least.place} against it most (${signedText(least.sum, 2)})`,
    ].filter(Boolean);
    return parts.length > 0 ? `In the picture ${parts.join(', ')}.` : 'Nothing is attributed to the picture.';
  }
  const { shares } = figure.features;
  const largest = (sign: number) =>
    shares
      .filter((one) => one.share * sign > 0 && !one.special)
      .sort((a, b) => Math.abs(b.share) - Math.abs(a.share))
      .slice(0, 3)
      .map(({ name, text, share: amount }) => `${name}${text === undefined ? '' : ` ${text}`} (${share(amount)})`);
  const [raised, lowered] = [largest(1), largest(-1)];
  const parts = [
    raised.length > 0 && `${joined(raised)} raised it most`,
    lowered.length > 0 && `${joined(lowered)} lowered it most`,
  ].filter((part) => part !== false);
  return parts.length > 0 ? `${parts.join('; ')}.` : 'No part of the input has a share in that.';
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
