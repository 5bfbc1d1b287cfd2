import { targetKinds } from '../../attribution/targets/kinds/index.ts';
import { unitOf } from '../../attribution/targets/target.ts';
import { resizeImage } from '../../data/formats/resize.ts';
import type { GridTransform } from '../../data/inputs/grid.ts';
import type { ExplanationDocument } from '../../explain/document.ts';
import { type Explained, storedTensor } from '../../explain/explained.ts';
import { maxOf } from '../../tensor/extremes.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Figure } from '../figures.ts';
import { type Frame, imageInput, inputImage } from '../frame.ts';
import { type Html, html } from '../html.ts';
import { numberText, percentText } from '../number-text.ts';
import { boxWords, renderBoxes, type ShownBox } from './boxes.ts';
import { amountsOf } from './features.ts';
import type { PageImages } from './images.ts';

/** The head of an input: what the model was shown and what it said. */
export async function renderInput(
  explained: Explained,
  figure: Figure,
  images: PageImages,
  targets: readonly ExplanationDocument['target'][] = [explained.document.target],
): Promise<Html> {
  const { document } = explained;
  const name = document.input.source.split(/[\\/]/).pop() || document.input.source;
  const image = shownImage(explained, figure);
  const sources = {
    source: 'The image',
    seen: 'The image as the model saw it',
    values: 'The input’s values as grey levels',
  };
  const boxes = foundBoxes(document, targets);
  const words = boxWords(boxes);
  return html`<div class="head">
${
  image &&
  html`<figure class="seen"><div class="outlined"><img class="${smallClass(image.pixels.shape)}" src="${await images.photograph(image.pixels)}" alt="${name}, the input that is explained">${renderBoxes(boxes, imageTransform(image, figure))}</div><figcaption>${sources[image.from]}${words && html`. ${words}`}</figcaption></figure>`
}
<div class="said">
<h2>${name}</h2>
<p class="fact">${document.model.name}${document.model.producer && html` <span class="quiet">made by ${document.model.producer}</span>`}</p>
${prediction(document, targets)}
</div>
</div>`;
}

/** Detections from this score on are drawn on the input. */
const shownScore = 0.3;

function foundBoxes(
  { prediction }: ExplanationDocument,
  targets: readonly ExplanationDocument['target'][],
): ShownBox[] {
  const anchors = new Set(targets.flatMap((target) => ('anchor' in target ? [target.anchor] : [])));
  return (prediction?.top ?? []).flatMap(({ box, value, label, index, anchor }) => {
    const explained = anchor !== undefined && anchors.has(anchor);
    return box && (value >= shownScore || explained) ? [{ box, label: label ?? `class ${index}`, explained }] : [];
  });
}

/** How the model's grid lies over what is shown: it is the grid itself, or the source. */
function imageTransform(
  { pixels, from }: { pixels: Tensor<'uint8'>; from: Frame['from'] },
  figure: Figure,
): GridTransform {
  const size: [number, number] = [pixels.shape[0], pixels.shape[1]];
  if (from === 'source' && figure.kind === 'map') return figure.frame.transform;
  return { source: size, grid: size, scale: [1, 1], offset: [0, 0] };
}

/** What the model was fed, as an image; the source where that cannot be told. */
function shownImage(
  explained: Explained,
  figure: Figure,
): { pixels: Tensor<'uint8'>; from: Frame['from'] } | undefined {
  if (figure.kind !== 'map') return undefined;
  const name = imageInput(explained) as string;
  const seen = inputImage(explained, storedTensor(explained, explained.document.input.tensors[name].key), name);
  return seen.from === 'values' ? { pixels: figure.frame.image, from: figure.frame.from } : seen;
}

function smallClass(shape: readonly number[]): string {
  return shape[0] * shape[1] <= 4096 ? 'pixels' : 'photograph';
}

const predictionTitles: Readonly<Record<string, string>> = {
  probability: 'What the model said: most probable',
  detection: 'What the model found: strongest detections',
  token: 'What the model would say next',
  'token-label': 'What the model said: label of each word',
  area: 'What the model saw: share of all positions',
  value: 'What the model said',
};

/** What an entry without a name is called. */
const unnamed: Readonly<Record<string, string>> = {
  probability: 'class',
  detection: 'class',
  token: 'token',
  'token-label': 'class',
};

function prediction(
  { prediction, target }: ExplanationDocument,
  targets: readonly ExplanationDocument['target'][],
): Html | undefined {
  // Of an embedding the single numbers say nothing.
  if (!prediction || prediction.top.length === 0 || target.kind === 'similarity') return undefined;
  const share = prediction.kind !== 'value';
  const largest = share ? 1 : maxOf([...prediction.top.map(({ value }) => Math.abs(value)), Number.MIN_VALUE]);
  const entries = targets.map((target) => ({ target, indices: chosenEntries(target, prediction) }));
  const isChosen = (index: number, position: number | undefined) =>
    entries.some(
      ({ target, indices }) =>
        indices.includes(index) &&
        (position === undefined || !('class' in target && 'position' in target) || target.position === position),
    );
  return html`<table class="prediction"><caption>${predictionTitles[prediction.kind] ?? `Largest outputs (${prediction.kind})`}</caption>
<tbody>${prediction.top.map(
    ({
      index,
      label,
      value,
      position,
      token,
    }) => html`<tr${isChosen(index, position) ? html` class="chosen"` : undefined}>
<th scope="row">${position !== undefined && `${token ?? `token ${position}`}: `}${label ?? `${unnamed[prediction.kind] ?? 'output'} ${index}`}${isChosen(index, position) && html` <span class="tag">explained</span>`}</th>
<td class="bar" aria-hidden="true"><span class="${value < 0 ? 'negative' : 'positive'}" style="width:${((100 * Math.abs(value)) / largest).toFixed(2)}%"></span></td>
<td class="number">${share ? percentText(value) : numberText(value)}</td></tr>`,
  )}</tbody></table>`;
}

/** Indices of the outputs that a target is about. */
function chosenEntries(
  target: ExplanationDocument['target'],
  prediction: NonNullable<ExplanationDocument['prediction']>,
): readonly number[] {
  return targetKinds[target.kind].about?.(target, prediction.top) ?? [];
}

/** The question that a group of explanations answers: `f(x) − f(x₀) = T`, with the two images. */
export async function renderQuestion(explained: Explained, figure: Figure, images: PageImages): Promise<Html> {
  const { document } = explained;
  const { baselineDescription, value, baselineValue, attributionTarget } = document;
  if (baselineDescription === null || baselineValue === null || attributionTarget === null) {
    return html`<h3><b>${sentence(document.targetDescription)}</b></h3>
<p class="equation-words">f(x) = <b>${numberText(value)}</b>. No baseline was stated, so there is no difference to attribute.</p>`;
  }
  const thumbnail = figure.kind === 'map' ? await baselineThumbnail(explained) : undefined;
  const seen = shownImage(explained, figure);
  const { total } = amountsOf(explained);
  const isNatural = unitOf(document.target) === 'nats';
  return html`<h3><b>${sentence(document.targetDescription)}</b>: why ${total(value)}, rather than ${total(baselineValue)} as for the baseline, <q>${baselineDescription}</q>?</h3>
<div class="equation">
<div class="term">${seen && html`<img class="${smallClass(seen.pixels.shape)}" src="${await thumbnailUri(seen.pixels, images)}" alt="">`}<p><span class="quiet">this input</span><br>f(x) = <b>${numberText(value)}</b></p></div>
<span class="sign">−</span>
<div class="term">${thumbnail && html`<img class="${smallClass(thumbnail.shape)}" src="${await thumbnailUri(thumbnail, images)}" alt="The baseline: ${baselineDescription}">`}<p><span class="quiet">baseline: ${baselineDescription}</span><br>f(x₀) = <b>${numberText(baselineValue)}</b></p></div>
<span class="sign">=</span>
<div class="term result"><p><span class="quiet">the difference to attribute${isNatural && ', in nats'}</span><br>T = <b>${numberText(attributionTarget)}</b></p></div>
</div>`;
}

/** With a capital letter. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Twice as large as it is shown, for sharp screens. */
async function thumbnailUri(pixels: Tensor<'uint8'>, images: PageImages): Promise<string> {
  const factor = Math.min(1, 160 / maxOf(pixels.shape));
  const size: [number, number] = [Math.ceil(pixels.shape[0] * factor), Math.ceil(pixels.shape[1] * factor)];
  return images.photograph(resizeImage(pixels, size, 'bilinear'));
}

async function baselineThumbnail(explained: Explained) {
  const name = imageInput(explained);
  const stored = name === undefined ? undefined : explained.document.baselineTensors[name];
  return name !== undefined && stored
    ? inputImage(explained, storedTensor(explained, stored.key), name).pixels
    : undefined;
}
