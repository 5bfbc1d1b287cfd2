import { rankAgreement, shownValues } from '../../attribution/sweep.ts';
import { type Explained, storedTensor } from '../../explain/explained.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { cssColour, divergingColour, inkOn } from '../colour-map.ts';
import { describeMap, type Figure, type MapFigure } from '../figures.ts';
import { imageInput, inputImage } from '../frame.ts';
import { dataUri, greyImage, overlayMap } from '../heat-map.ts';
import { type Html, html } from '../html.ts';
import { errorText } from '../judgement.ts';
import { numberText, signedText } from '../number-text.ts';
import { renderEnds, warningChips } from './card.ts';
import { amountsOf, shownShares } from './features.ts';
import type { PageImages } from './images.ts';

/** Explanations that differ in their baseline only: one list for each method, layer and target of an input. */
export function sweepsOf(explained: readonly Explained[], items: readonly number[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const i of items) {
    const { target, layer, method, parameters, baselineDescription } = explained[i].document;
    if (baselineDescription === null) continue;
    const key = JSON.stringify([target, layer, method, parameters]);
    const members = groups.get(key) ?? [];
    if (!members.some((j) => explained[j].document.baselineDescription === baselineDescription)) members.push(i);
    groups.set(key, members);
  }
  return [...groups.values()].filter((members) => members.length > 1);
}

/** "Instead of what?": the maps of several baselines side by side, T and E of each, and how far their ranks agree. */
export async function renderSweep(
  explained: readonly Explained[],
  figures: readonly Figure[],
  items: readonly number[],
  images: PageImages,
): Promise<Html> {
  const members = items.map((i) => ({ ...explained[i], figure: figures[i], index: i }));
  const [{ document }] = members;
  const limit = maxOf(members.map(({ figure }) => (figure.kind === 'map' ? figure.limit : 0)));
  const cards = await Promise.all(
    members.map(async (member) => {
      const { document, figure, index } = member;
      const baseline = figure.kind === 'map' ? baselineImage(member) : undefined;
      const chips = warningChips(document);
      return html`<figure class="asked">
<div class="pair">${baseline && html`<img src="${await images.photograph(baseline)}" alt="The baseline: ${document.baselineDescription ?? ''}">`}
${figure.kind === 'map' ? await overlay(figure, limit, images, chips) : strongest(member, figure)}</div>
${figure.kind !== 'map' && chips}
<figcaption><a href="#e${index}">${document.baselineDescription ?? ''}</a>
<span>f(x₀) = ${numberText(document.baselineValue)}</span><span>T = ${numberText(document.attributionTarget)}</span>
<span>E = ${errorText(document)}</span></figcaption>
</figure>`;
    }),
  );
  const agreement = rankAgreement(members.map(mapOf));
  const names = members.map(({ document }) => document.baselineDescription ?? '');
  return html`<section class="sweep" aria-label="Instead of what?">
<h3><b>Instead of what?</b> One question, ${members.length} baselines: ${document.methodTitle}, ${document.targetDescription}, f(x) = ${numberText(document.value)}</h3>
<div class="sweep-maps">${cards}</div>
${limit > 0 && html`<p class="quiet legend"><span class="scale" aria-hidden="true"></span>${renderEnds({ limit })}Contribution per 1 % of the view, one scale for all maps here.</p>`}
<p class="quiet" id="agreement-${items[0]}">How far the maps agree in the order of their positions (Spearman’s rank correlation): 1 the same order, 0 none, −1 reversed</p>
<div class="scroll" role="region" aria-labelledby="agreement-${items[0]}" tabindex="0"><table class="agreement" aria-labelledby="agreement-${items[0]}">
<thead><tr><td></td>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${agreement.map((row, i) => html`<tr><th scope="row">${names[i]}</th>${row.map((value) => cell(value))}</tr>`)}</tbody></table></div>
<p class="quiet">${lesson(agreement)}</p>
</section>`;
}

async function overlay(figure: MapFigure, limit: number, images: PageImages, chips: Html | false): Promise<Html> {
  const [height, width] = figure.frame.image.shape;
  return html`<div class="stage" style="aspect-ratio:${width}/${height}"><div class="grey ${images.classOf(await images.photograph(greyImage(figure.frame)))}"></div><img class="heat" src="${await dataUri(overlayMap(figure.map, limit), 'png')}" alt="Map: ${describeMap(figure)}"></div>${chips}`;
}

function cell(value: number | undefined): Html {
  if (value === undefined) return html`<td>–</td>`;
  const colour = divergingColour(value);
  return html`<td style="background:${cssColour(colour)};color:${inkOn(colour)}">${signedText(value, 2)}</td>`;
}

/** What the matrix says, in a sentence. */
function lesson(agreement: readonly (readonly (number | undefined)[])[]): string {
  const pairs = agreement.flatMap((row, i) => row.filter((value, j) => j > i && value !== undefined)) as number[];
  if (pairs.length === 0) return 'A map with the same number everywhere has no order to compare.';
  const least = minOf(pairs);
  if (least > 0.8) return 'The answer hardly depends on the baseline here.';
  if (least > 0.4) return 'The answer depends on the baseline: say which one you mean.';
  return 'These baselines ask different questions: a map without its baseline would mean nothing here.';
}

/** The features with the largest shares, where there is no map. */
function strongest(explained: Explained, figure: Extract<Figure, { kind: 'features' }>): Html {
  const { share: amount } = amountsOf(explained);
  const order = [...shownShares(figure.features)].sort((a, b) => Math.abs(b.share) - Math.abs(a.share)).slice(0, 5);
  return html`<ol class="strongest">${order.map(({ name, share }) => html`<li>${name} <b>${amount(share)}</b></li>`)}</ol>`;
}

function mapOf(one: Explained): Float64Array {
  const values = new Map<string, Tensor>(
    Object.entries(one.document.attribution).map(([name, { key }]) => [name, storedTensor(one, key)]),
  );
  const isInput = one.document.layer.every((name) => one.document.explained.includes(name));
  const { channelAxis, spatialAxes } = one.document.input.layout;
  // Inner layers put their channels first, whatever the input does.
  return shownValues(
    values,
    isInput || channelAxis === undefined ? { channelAxis, spatialAxes } : { channelAxis: 1, spatialAxes },
  );
}

function baselineImage(one: Explained): Tensor<'uint8'> | undefined {
  const name = imageInput(one);
  const stored = name === undefined ? undefined : one.document.baselineTensors[name];
  if (name === undefined || !stored || stored.shape[0] !== 1) return undefined;
  return inputImage(one, storedTensor(one, stored.key), name).pixels;
}
