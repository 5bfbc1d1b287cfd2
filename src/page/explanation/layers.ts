import type { Explained } from '../../explain/explained.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { type Html, html } from '../html.ts';
import { acceptedError } from '../judgement.ts';
import { percentText } from '../number-text.ts';

/** One method at several layers: that the difference is the same at each, and how far each accounts for it. */
export function renderLayers(explained: readonly Explained[], items: readonly number[]): Html | undefined {
  const documents = items.map((i) => explained[i].document);
  const methods = new Set(documents.map(({ method, parameters }) => JSON.stringify([method, parameters])));
  const layers = new Set(documents.map(({ layer }) => layer.join('+')));
  const errors = documents.flatMap(({ relativeError }) => (relativeError === null ? [] : [relativeError]));
  if (methods.size > 1 || layers.size < 2 || errors.length < items.length) return undefined;
  const worst = maxOf(errors);
  const at = (error: number) => `${documents[errors.indexOf(error)].layer.join(' + ')} (${percentText(error)})`;
  const best = minOf(errors);
  const sum =
    worst <= acceptedError
      ? `At each the shares account for it, with an error of at most ${percentText(worst)}.`
      : `The error is smallest at ${at(best)} and largest at ${at(worst)}: read the map with the smaller one.`;
  return html`<p class="quiet">One question at ${layers.size} layers: the difference T is the same at each; where it is found depends on the stage of the model. ${sum}</p>`;
}
