import type { ExplanationDocument } from '../../explain/document.ts';
import type { Explained } from '../../explain/explained.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import type { Features } from '../features.ts';
import { describeMap, type Figure, strongestPositions } from '../figures.ts';
import { type Html, html } from '../html.ts';
import { judge, sharesDifference } from '../judgement.ts';
import { numberText, percentText, signedText } from '../number-text.ts';
import { amountsOf, shownShares } from './features.ts';

/** The answer in three sentences: what the model said, what made it say so, and how far to trust that. */
export function renderAnswer(explained: readonly Explained[], figures: readonly Figure[]): Html {
  const best = mostTrusted(explained);
  const { document } = explained[best];
  const { verdict, grade } = judge(document);
  const many = explained.length > 1;
  const text = `${saidText(document)} ${reasonText(explained[best], figures[best])}`;
  return html`<p class="answer">${text} <span class="verdict-word ${grade}">${many ? `${document.methodTitle}: ${verdict.charAt(0).toLowerCase()}${verdict.slice(1)}` : verdict}</span></p>`;
}

/** The explanation that accounts for its difference best: the one to read first. */
function mostTrusted(explained: readonly Explained[]): number {
  const errors = explained.map(({ document: { relativeError, implicitBaseline, isCut } }) =>
    relativeError === null || implicitBaseline !== null || !isCut ? Number.POSITIVE_INFINITY : relativeError,
  );
  // Below one in a hundred all are as good: the first asked for is the one that was wanted.
  const good = errors.findIndex((error) => error <= 0.01);
  return good >= 0 ? good : Math.max(0, errors.indexOf(minOf(errors)));
}

const verbs: Readonly<Record<string, string>> = {
  probability: 'says',
  detection: 'finds',
  token: 'would go on with',
  area: 'sees mostly',
};

/** Names that exporters give to every model's file. */
const anyModel = /^(decoder_|encoder_)?model(_(merged|quantized|fp16|int8|uint8|q4|q4f16|q8|bnb4))*$/;

/** A model in a sentence, by the name of its file; `the model` where that says nothing. */
export function modelWords({ name }: ExplanationDocument['model']): string {
  const own = name.replace(/\.onnx$/, '');
  return anyModel.test(own) ? 'the model' : own;
}

/** `squeezenet says “tabby” (94.3 %).` */
function saidText({ prediction, model, target }: ExplanationDocument): string {
  const name = modelWords(model).replace(/^the model$/, 'The model');
  const top = prediction?.top ?? [];
  const first = ('position' in target && top.find(({ position }) => position === target.position)) || top[0];
  if (!prediction || !first || target.kind === 'similarity') return '';
  if (prediction.kind === 'value')
    return `${name} gives ${numberText(first.value)}${first.label ? ` for “${first.label}”` : ''}.`;
  const unnamed = `${prediction.kind === 'token' ? 'token' : 'class'} ${first.index}`;
  const what = first.label === undefined ? unnamed : `“${first.label.trim()}”`;
  const word =
    first.position === undefined ? '' : ` of ${first.token ? `“${first.token}”` : `token ${first.position}`}`;
  return `${name} ${verbs[prediction.kind] ?? 'says'} ${what}${word} (${percentText(first.value)}).`;
}

function reasonText(explained: Explained, figure: Figure): string {
  const { value, baselineValue, baselineDescription, attributionTarget } = explained.document;
  const { total } = amountsOf(explained);
  const name = targetWords(explained.document);
  const asked =
    baselineValue === null || attributionTarget === null || baselineDescription === null
      ? `The ${name} is ${total(value)}.`
      : `The ${name} is ${total(value)}, instead of ${total(baselineValue)} for the baseline (${baselineDescription}).`;
  return `${asked} ${partsText(explained, figure)}`;
}

/** The target without what only a program needs: `logit of “tabby”` for `logit of class 281 "tabby" of softmaxout_1`. */
function targetWords({ targetDescription, target, prediction }: ExplanationDocument): string {
  const output = ('output' in target ? target.output : undefined) ?? prediction?.output;
  const ending = output ? ` of ${output}` : '';
  const named = targetDescription.replace(/(?:class|token) \d+ "([^"]*)"/g, (_, label: string) => `“${label.trim()}”`);
  return ending && named.endsWith(ending) ? named.slice(0, -ending.length) : named;
}

/** What the map or the bars show, in a sentence. */
function partsText(explained: Explained, figure: Figure): string {
  if (figure.kind === 'map') {
    if (figure.mask) return `The mask: ${describeMap(figure)}.`;
    if (figure.mean) return `In the image the values are ${describeMap(figure)}.`;
    const { most, least } = strongestPositions(figure);
    // A number is raised or lowered; a class has positive and negative attribution.
    const { target, prediction } = explained.document;
    const number = target.kind === 'boxCoordinate' || prediction?.kind === 'value';
    const parts = [
      most &&
        `the ${most.place} ${number ? 'raised it most' : 'has the largest positive attribution'} (${signedText(most.sum, 2)})`,
      least &&
        `the ${least.place} ${number ? 'lowered it most' : most ? 'the largest negative one' : 'has the largest negative attribution'} (${signedText(least.sum, 2)})`,
    ].filter((part) => part !== undefined);
    const there = parts.length > 0 ? `In the image ${parts.join(', ')}.` : 'Nothing is attributed to the image.';
    return figure.beside ? `${featuresText(explained, figure.beside)} ${there}` : there;
  }
  return featuresText(explained, figure.features);
}

/** Shares smaller than this part of the largest one are not worth a word. */
const leastTold = 0.01;

function featuresText(explained: Explained, features: Features): string {
  const rose = (explained.document.attributionTarget ?? 1) >= 0;
  const { share } = amountsOf(explained);
  const { kind, signal } = features;
  const least = leastTold * maxOf(features.shares.map((one) => Math.abs(one.share)));
  const largest = (sign: number) =>
    shownShares(features)
      .filter((one) => one.share * sign > least && !one.special)
      .sort((a, b) => Math.abs(b.share) - Math.abs(a.share))
      .slice(0, 3)
      .map(({ name, text, share: amount, unnamed }) => {
        const part =
          kind === 'sequence' && !signal && !unnamed
            ? `“${(text ?? name).trim()}”`
            : `${name}${text ? `: ${text}` : ''}`;
        return `${part} (${share(amount)})`;
      });
  const sentence = (sign: number) => {
    const parts = largest(sign);
    const verb = sharesDifference(explained.document)
      ? `${sign > 0 ? 'raised' : 'lowered'} it most`
      : `${parts.length > 1 ? 'have' : 'has'} the largest values ${sign > 0 ? 'for' : 'against'} it`;
    return parts.length > 0 ? [`${joined(parts)} ${verb}`] : [];
  };
  const sentences = rose ? [...sentence(1), ...sentence(-1)] : [...sentence(-1), ...sentence(1)];
  const text = sentences.join('; ');
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : 'No part of the input has a share in that.';
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
