import { regionMask } from '../../attribution/targets/region.ts';
import type { ExplanationDocument } from '../../explain/document.ts';
import type { Explained } from '../../explain/explained.ts';
import { meaningOf, promisesSum } from '../../explain/meaning.ts';
import { cssColour, divergingColour, overlayColour } from '../colour-map.ts';
import { type Contour, contoursOf, regionPath, renderContours } from '../contours.ts';
import { describeMap, type Figure, type MapFigure } from '../figures.ts';
import { frameTransform } from '../frame.ts';
import { dataUri, greyImage, overlayMap } from '../heat-map.ts';
import { type Html, html, verbatim } from '../html.ts';
import { errorNumber, judge } from '../judgement.ts';
import { legendText, scaleEnds } from '../legend.ts';
import { maskOf } from '../mask.ts';
import { numberText, percentText } from '../number-text.ts';
import { renderBoxes } from './boxes.ts';
import { renderChannels } from './channels.ts';
import { renderFeatures } from './features.ts';
import type { PageImages } from './images.ts';
import { renderScorecard } from './scorecard.ts';

/** A card's place on its page. */
export interface CardPosition {
  readonly index: number;
  readonly images: PageImages;
  /** Notes that stand above the cards already. */
  readonly saidBefore: readonly string[];
  /** Whether it is the only one of its question: its scorecard is then open, and no table compares it. */
  readonly alone: boolean;
  /** Whether the channels of a map get maps of their own, where it has several. */
  readonly channels: boolean;
}

/** One explanation: its image with the legend and the warnings, its numbers, and how to repeat it. */
export async function renderCard(explained: Explained, figure: Figure, place: CardPosition): Promise<Html> {
  const { index } = place;
  const { document } = explained;
  const { verdict, grade } = judge(document);
  const chips = warningChips(document);
  return html`<article class="card" id="e${index}" aria-labelledby="e${index}-title">
<div class="shown">
<h4 id="e${index}-title">${document.methodTitle}</h4>
<p class="where">at ${layerText(document)}</p>
${figure.kind === 'map' ? html`${await mapFigure(explained, figure, place, chips)}${figure.beside && renderFeatures(explained, figure.beside)}` : html`${chips}${renderFeatures(explained, figure.features)}`}
</div>
<div class="read">
<p class="verdict ${grade}">${verdict}</p>
${numbers(document)}
${ownQuestion(document)}
${document.scorecard && (await renderScorecard(document.scorecard, place.alone))}
${notes(document, place.saidBefore)}
${place.channels && figure.kind === 'map' && (await renderChannels(explained, figure, place.images))}
${reproduction(document)}
</div>
</article>`;
}

/** The warnings of an explanation: below its map, above its bars. */
export function warningChips(document: ExplanationDocument): Html | false {
  const { warnings } = judge(document);
  return (
    warnings.length > 0 &&
    html`<ul class="chips" aria-label="Warnings">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`
  );
}

/** What the colours of a scale stand for, below it. */
export function renderEnds(scale: Parameters<typeof scaleEnds>[0]): Html {
  return html`<span class="ends">${scaleEnds(scale).map(([number, word]) => html`<span>${number}${word && html`<br>${word}`}</span>`)}</span>`;
}

/** The numbers behind the verdict: of a mask what it covers, of shares how far they add up. */
function numbers(document: ExplanationDocument): Html {
  const { value, baselineValue, attributionTarget, sum, relativeError } = document;
  const mask = maskOf(document);
  const rows: (readonly [string, string])[] = mask
    ? [
        ['f(x)', numberText(value)],
        ['marked', percentText(mask.area)],
        ['threshold', numberText(mask.threshold)],
      ]
    : [
        ['f(x)', numberText(value)],
        ['f(x₀)', numberText(baselineValue)],
        ['T', numberText(attributionTarget)],
        ...(promisesSum(document)
          ? ([
              ['ΣA', numberText(sum)],
              ['E', errorNumber(document)],
              ['E / |T|', relativeError === null ? '–' : percentText(relativeError)],
            ] as const)
          : ([
              ['E', '–'],
              ['each value', meaningOf(document).what],
            ] as const)),
      ];
  const { relativeStandardError } = document;
  if (relativeStandardError !== undefined)
    rows.push(['largest standard error', `${percentText(relativeStandardError)} of the largest value`]);
  return html`<dl class="numbers">${rows.map(([name, text]) => html`<div${text.length > 12 && html` class="text"`}><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`;
}

/** How far a method that does not attribute T keeps what it does promise. */
function ownQuestion({ implicitTarget, implicitError, implicitBaseline }: ExplanationDocument): Html | undefined {
  if (implicitTarget === undefined || implicitTarget === null || implicitError == null) return undefined;
  return html`<p class="quiet">With respect to its implicit baseline (${implicitBaseline ?? 'its own baseline'}): ${numberText(implicitTarget)}, error ${numberText(implicitError, 3)}.</p>`;
}

function layerText({ layer, isCut, completing, explained, input }: ExplanationDocument): Html {
  const isInput = layer.every((name) => explained.includes(name));
  const names = layer.map((name, i) => html`${i > 0 && ' + '}<code>${name}</code>`);
  const bypass = completing.length > 0 ? `bypassed; complete with ${completing.join(' + ')}` : 'bypassed';
  const together = layer.length > 1 && !isInput && isCut;
  const fixed = isInput ? Object.keys(input.tensors).filter((name) => !explained.includes(name)) : [];
  const held =
    fixed.length > 0 &&
    html`; ${fixed.map((name, i) => html`${i > 0 && ', '}<code>${name}</code>`)} ${fixed.length > 1 ? 'stay as they are' : 'stays as it is'}, at the baseline too`;
  return html`${isInput ? (layer.length > 1 ? 'the inputs ' : 'the input, ') : layer.length > 1 ? 'layers ' : 'layer '}${names}${held}${together && ', which everything passes through together'}${!isCut && html` <span class="flag">${bypass}</span>`}`;
}

async function mapFigure(
  { document }: Explained,
  figure: MapFigure,
  { index, images }: CardPosition,
  chips: Html | false,
): Promise<Html> {
  const { frame, map, limit } = figure;
  const pixels = frame.image.shape[0] * frame.image.shape[1] <= 4096;
  const views = ['image', 'overlay', 'contour', 'map'] as const;
  const contours = contoursOf(map, figure.mask && { threshold: figure.mask.threshold, limit });
  const alt = `Heat map of ${document.methodTitle} at ${document.layer.join(' + ')}: ${describeMap(figure)}.`;
  return html`<figure class="map${pixels ? ' pixels' : ''}${figure.mask ? ' masked' : ''}">
<fieldset class="view"><legend class="unseen">View of this map</legend>
${views.map(
  (view) =>
    html`<input type="radio" name="view-${index}" id="view-${index}-${view}" value="${view}" class="unseen ${view}"${view === 'overlay' && html` checked`}><label for="view-${index}-${view}">${view}</label>`,
)}
<div class="stage" style="aspect-ratio:${frame.image.shape[1]}/${frame.image.shape[0]}">
<div class="colour ${images.classOf(await images.photograph(frame.image))}"></div>
<div class="grey ${images.classOf(await images.photograph(greyImage(frame)))}"></div>
<img class="heat" src="${await dataUri(overlayMap(map, limit), 'png')}" alt="${alt}">
${renderContours(contours, frame.image.shape)}
${regionOutline(document, figure)}
${document.box && renderBoxes([{ box: document.box, label: boxLabel(document), explained: true }], frame.transform)}
</div>
</fieldset>
${chips}
<figcaption>
${limit > 0 && html`<span class="scale${figure.mask ? ' mask' : ''}" aria-hidden="true"></span>${renderEnds(figure)}`}
<span class="map-words">${legendText(figure, document)}</span>
<span class="contour-words">${contourWords(contours, figure)}</span>
${document.box && html`<span>White box: ${boxLabel(document)}.</span>`}
${document.target.kind === 'region' && html`<span>White outline: the region that is explained.</span>`}
</figcaption>
</figure>`;
}

/** What the lines of the contour view stand for. */
function contourWords(contours: readonly Contour[], { mask, mean }: MapFigure): string {
  if (contours.length === 0) return 'No line: nothing is attributed to the image.';
  if (mask) return `The line lies around what is marked: ${percentText(mask.area)} of the image.`;
  const line = ({ sign, area }: Contour) =>
    `the ${sign > 0 ? 'red' : 'blue'} line lies around the ${percentText(area)} of the image that hold half of ${mean ? `all that lies ${sign > 0 ? 'above the average' : 'below it'}` : `the ${sign > 0 ? 'positive' : 'negative'} attribution`}`;
  const text = contours.map(line).join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function regionOutline({ target }: ExplanationDocument, { frame }: MapFigure): Html | undefined {
  if (target.kind !== 'region') return undefined;
  const [height, width] = frame.transform.source;
  const path = regionPath(regionMask(target.region), frameTransform(frame, target.region.size));
  return html`<svg class="boxes" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="The region that is explained"><path class="under" d="${path}"/><path d="${path}"/></svg>`;
}

function boxLabel({ prediction, target }: ExplanationDocument): string {
  const found = 'anchor' in target ? prediction?.top.find(({ anchor }) => anchor === target.anchor) : undefined;
  return found?.label ?? 'explained';
}

function notes({ notes, gradientNotes }: ExplanationDocument, saidBefore: readonly string[]): Html | undefined {
  const texts = [...new Set(notes)].filter((note) => !saidBefore.includes(note));
  const estimates = new Map<string, number>();
  for (const { text } of gradientNotes) estimates.set(text, (estimates.get(text) ?? 0) + 1);
  for (const [text, count] of estimates) texts.push(count > 1 ? `${text} (${count} times)` : text);
  if (texts.length === 0) return undefined;
  return html`<ul class="notes">${texts.map((text) => html`<li>${text}</li>`)}</ul>`;
}

/** Everything that it takes to compute the same numbers again. */
function reproduction(document: ExplanationDocument): Html {
  const { model, input, versions, cost, chosen, parameters } = document;
  const settings = { ...parameters, ...chosen };
  const rows: (readonly [string, string | undefined])[] = [
    ['target', document.targetDescription],
    ['baseline', document.baselineDescription ?? 'none stated'],
    ['method compares with', document.implicitBaseline ?? undefined],
    [
      'parameters',
      Object.entries(settings)
        .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
        .join(', ') || 'none',
    ],
    ['cost', `${cost.forward} forward and ${cost.backward} backward passes, ${numberText(cost.seconds, 3)} s`],
    ['model', `${model.name}, SHA-256 ${model.hash}`],
    ['input', `${input.source}${input.hash ? `, SHA-256 ${input.hash}` : ''}`],
    [
      'versions',
      `wherefore ${versions.wherefore}, ${versions.runtime}${versions.node ? `, Node ${versions.node}` : ''}`,
    ],
    ['made', document.created],
  ];
  return html`<details><summary>How to reproduce</summary>
${document.command && html`<pre><code>${verbatim(document.command)}</code></pre>`}
<dl class="facts">${rows.map(([name, text]) => text !== undefined && html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>
</details>`;
}

/** The colour scale as CSS gradients: alone and with opacity, as the images are. */
export function scaleGradient(): string {
  const stops = Array.from({ length: 17 }, (_, i) => {
    const [r, g, b, opacity] = overlayColour(i / 8 - 1);
    return `rgb(${r} ${g} ${b} / ${(opacity / 255).toFixed(3)})`;
  });
  return `linear-gradient(90deg, ${stops.join(', ')}), linear-gradient(${cssColour(divergingColour(0))}, ${cssColour(divergingColour(0))})`;
}
