import { methods as methodTable } from '../attribution/methods/index.ts';
import type { ExplanationDocument } from '../explain/document.ts';
import { meaningOf, promisesSum } from '../explain/meaning.ts';
import { maskOf, maskVerdict } from './mask.ts';
import { numberText, percentText, signedText } from './number-text.ts';

/** Relative attribution errors up to this are small enough to read a map as shares of the difference. */
export const acceptedError = 0.01;

/** Standard errors up to this share of the largest value are small enough not to warn of. */
export const acceptedUncertainty = 0.05;

export interface Judgement {
  /** One sentence: how far the map can be trusted. */
  readonly verdict: string;
  /** good: adds up. poor: does not. open: nothing to compare with. */
  readonly grade: 'good' | 'poor' | 'open';
  /** Short warnings that stand on the image itself. */
  readonly warnings: readonly string[];
}

/** What T, ΣA, E and the standard errors say about an explanation, in words. */
export function judge(document: ExplanationDocument): Judgement {
  const judged = judgeSum(document);
  const { relativeStandardError: uncertainty } = document;
  if (uncertainty === undefined) return judged;
  const share = percentText(uncertainty);
  const sampled = `Sampled: another seed would move a value by about ${share} of the largest (its standard error) or less.`;
  return {
    ...judged,
    verdict: `${judged.verdict} ${sampled}`,
    warnings:
      uncertainty > acceptedUncertainty
        ? [...judged.warnings, `uncertain by ${share} of the largest value: more samples, or fewer groups`]
        : judged.warnings,
  };
}

function judgeSum(document: ExplanationDocument): Judgement {
  const { attributionTarget: target, sum, relativeError, implicitBaseline, isCut, converged } = document;
  const warnings: string[] = [];
  const mask = maskOf(document);
  if (mask) return { verdict: maskVerdict(mask), grade: 'open', warnings };
  if (!promisesSum(document)) {
    const { what } = meaningOf(document);
    const stayed = document.ungrouped === undefined ? '' : ` Note: ${stayedText(document.ungrouped)}.`;
    return {
      verdict: `Each value is ${what}: nothing promises that they add up to the difference.${stayed}`,
      grade: 'open',
      warnings: [
        `${what}, not a share of the difference${ignoresBaseline(document) ? '; your baseline is not used' : ''}`,
      ],
    };
  }
  if (implicitBaseline !== null) warnings.push(implicitWarning(implicitBaseline, document));
  if (!isCut) warnings.push('layer is bypassed');
  if (target === null || relativeError === null) {
    return {
      verdict: 'No baseline was stated, so there is no difference that the values could add up to.',
      grade: 'open',
      warnings,
    };
  }
  if (Math.abs(target) < 1e-6) {
    warnings.push('no difference to explain');
    return {
      verdict: 'The output at the input and at the baseline is the same: there is no difference to explain.',
      grade: 'open',
      warnings,
    };
  }
  if (relativeError <= acceptedError) {
    return {
      verdict: `The shares account for ${shareText(relativeError)} of the difference.`,
      grade: 'good',
      warnings,
    };
  }
  const error = percentText(relativeError);
  if (isCutOff(document)) warnings.unshift(`does not add up: error ${error}, a gradient is cut off`);
  else if (passesRounding(document))
    warnings.unshift(`does not add up: error ${error}, gradients pass through rounding`);
  else if (drawsAtRandom(document)) warnings.unshift(`does not add up: error ${error}, the model draws at random`);
  else if (converged === false && isCut) warnings.unshift(`not converged: error ${error}${moreSteps(document)}`);
  else warnings.unshift(`does not add up: error ${error}`);
  const verdict = `The values add up to ${signedText(sum, 4)} but the difference is ${signedText(target, 4)}: ${blame(document)}`;
  return { verdict, grade: 'poor', warnings };
}

/** What to do where a gradient is cut off. */
export const withoutGradients = 'take a method that needs none: --method exact-shapley or kernel-shap';

/** Whether part of what the target hangs on has no gradient, so that nothing but another method brings the sums together. */
export function isCutOff({ gradientNotes }: Pick<ExplanationDocument, 'gradientNotes'>): boolean {
  return gradientNotes.some(({ code }) => code === 'zero-gradient');
}

/** Whether every run of the model has other values, so that no number of steps brings sums together. */
export function drawsAtRandom({ gradientNotes }: Pick<ExplanationDocument, 'gradientNotes'>): boolean {
  return gradientNotes.some(({ code }) => code === 'random');
}

/** Whether gradients pass straight through a rounding: they are those of another function, and no number of steps helps. */
export function passesRounding({ gradientNotes }: Pick<ExplanationDocument, 'gradientNotes'>): boolean {
  return gradientNotes.some(({ code }) => code === 'straight-through');
}

/** Whether the values are shares of the difference from the stated baseline, whether or not they add up to it. */
export function sharesDifference(document: ExplanationDocument): boolean {
  return promisesSum(document) && document.implicitBaseline === null && document.baselineValue !== null;
}

/** How much is accounted for, rounded down: 100 % is said of nothing less. */
function shareText(relativeError: number): string {
  if (relativeError > 0 && relativeError < 1e-4) return 'more than 99.99 %';
  return `${Math.floor((1 - relativeError) * 1000) / 10} %`;
}

/** Whether a baseline was stated that the method does not look at; some hide things behind it all the same. */
function ignoresBaseline({ baseline, method }: ExplanationDocument): boolean {
  return baseline !== null && methodTable[method]?.baseline !== 'required';
}

function implicitWarning(implicit: string, { baseline }: ExplanationDocument): string {
  return `compares with ${implicit}${baseline === null ? '' : ', not with your baseline'}`;
}

/** Steps beyond this many times those taken are no advice any more. */
const mostTimes = 8;

/**
 * The steps to try next: twice those taken, or what the error asks for if it falls with the square of the steps.
 * Infinite where that is too many: the path is too winding. Undefined for a method without steps.
 */
function stepsToTry({ chosen, parameters, relativeError }: ExplanationDocument): number | undefined {
  const steps = Number(chosen.steps ?? parameters.steps);
  if (!Number.isInteger(steps) || relativeError === null) return undefined;
  const wanted = steps * Math.sqrt(relativeError / acceptedError);
  let next = steps * 2;
  while (next < wanted) next *= 2;
  return next <= mostTimes * steps ? next : Number.POSITIVE_INFINITY;
}

function moreSteps(document: ExplanationDocument): string {
  const next = stepsToTry(document);
  if (next === undefined) return '';
  return Number.isFinite(next) ? `, try n = ${next}` : ', try another layer or baseline';
}

function stayedText(ungrouped: number): string {
  return `${ungrouped === 1 ? 'one element is' : `${ungrouped} elements are`} in no group and stayed as the input has them`;
}

function blame(document: ExplanationDocument): string {
  const { isCut, completing, implicitBaseline, converged, methodTitle, ungrouped } = document;
  if (implicitBaseline !== null) return 'the method attributes another difference.';
  if (!isCut) {
    const more = completing.length > 0 ? `; together with ${completing.join(' + ')} the layer would be complete` : '';
    return `part of it flows past this layer${more}.`;
  }
  if (isCutOff(document)) return `a gradient is cut off on the way, see the notes; ${withoutGradients}.`;
  if (passesRounding(document))
    return `gradients pass through rounding, so more steps do not bring them together; ${withoutGradients}.`;
  if (drawsAtRandom(document)) return 'the model draws at random, so that each run has other values; see the notes.';
  if (ungrouped !== undefined) return `${stayedText(ungrouped)}.`;
  if (converged === false)
    return stepsToTry(document) === Number.POSITIVE_INFINITY
      ? 'many more steps would be needed; another layer or baseline may need fewer.'
      : 'more steps bring them together.';
  return `${methodTitle} does not promise that they agree.`;
}

/** `E = |ΣA − T|`; what is left by the arithmetic alone is shown as nothing. */
export function errorNumber({ error, attributionTarget }: ExplanationDocument): string {
  return error && error < 1e-12 * Math.abs(attributionTarget ?? 0) ? '≈ 0' : numberText(error, 3);
}

/** `E = |ΣA − T|` with its relative size; what the values are where they promise no sum; else a dash. */
export function errorText(document: ExplanationDocument): string {
  const { error, relativeError } = document;
  if (!promisesSum(document)) return `– (${meaningOf(document).what})`;
  if (error === null || relativeError === null) return '–';
  return `${numberText(error, 3)} (${percentText(relativeError)})`;
}
