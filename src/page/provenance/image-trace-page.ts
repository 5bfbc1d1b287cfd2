import { packageVersion } from '../../explain/version.ts';
import type { Calibration } from '../../provenance/image/calibrate.ts';
import { type ImageRanking, neighbours, type TracedItem } from '../../provenance/image/ranking.ts';
import { questions } from '../../provenance/image/rankings.ts';
import type { Box } from '../../provenance/image/region.ts';
import { componentsText, countedItems, statementsOf, supportText } from '../../provenance/image/trace-document.ts';
import { type ImageTrace, unrelatedShare } from '../../provenance/image/trace-image.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { dataUri, type EncodePhotograph } from '../heat-map.ts';
import { type Html, html } from '../html.ts';
import { pageShell } from '../shell.ts';
import { type Evidence, type HashRow, reproductionSection, verificationSection } from './evidence-sections.ts';
import { imageTraceStyle } from './image-trace-style.ts';

export interface ImageTracePage {
  /** The traced file, as the command named it. */
  readonly name: string;
  readonly pixels: Tensor<'uint8'>;
  readonly hashes: { readonly file: string; readonly content: string };
  readonly prompt?: string;
  readonly index: { readonly name: string; readonly images: number };
  readonly trace: ImageTrace;
  readonly calibration: Calibration;
  readonly command: string;
  readonly evidence: Evidence;
  /** Pixels of the items of the rankings, by id, where their files are still there. */
  readonly sources: ReadonlyMap<string, Tensor<'uint8'>>;
}

/** Colours that link a part of the item with the part of its source. */
const hues = [12, 205, 130, 275, 45, 320, 170, 90] as const;

/** The page of a traced image: three statements, one ranking for each question, and what every number means. */
export async function renderImageTracePage(page: ImageTracePage, photograph?: EncodePhotograph): Promise<string> {
  const { name, pixels, trace, sources, prompt, index } = page;
  const uri = (image: Tensor<'uint8'>) => dataUri(image, 'photograph', photograph);
  const own = await uri(pixels);
  const images = new Map<string, string>();
  for (const [id, image] of sources) images.set(id, await uri(image));
  const { membership, resemblance, influence } = statementsOf(trace, page.evidence.verified);
  const shown: Shown = { own, name, size: pixels.shape, images };
  const body = html`<div class="evidence-head">
<figure class="traced${small(pixels.shape)}"><img src="${own}" alt="the traced image"><figcaption>${name}${prompt !== undefined && html`<br>prompt: <q>${prompt}</q>`}</figcaption></figure>
<dl class="statements">
<dt>Is it in the data?</dt><dd>${membership}</dd>
<dt>Does anything in the data resemble it?</dt><dd>${resemblance}</dd>
<dt>Would it be another image without these items?</dt><dd>${influence}</dd>
</dl></div>
<p class="quiet">Compared with ${index.images.toLocaleString('en')} images of ${index.name}. Each question below has a ranking of its own: what answers one is often blind to another.</p>
${trace.notes.map((note) => html`<p class="flag">${note}</p>`)}
${trace.rankings.map((ranking) => rankingSection(ranking, shown))}
${meanings(page)}
${verificationSection(page.evidence)}
${reproductionSection(page.command, hashRows(page), page.evidence, packageVersion)}`;
  return pageShell({ title: 'What is this image made of?', style: imageTraceStyle, body, madeBy: packageVersion });
}

interface Shown {
  readonly own: string;
  readonly name: string;
  readonly size: readonly number[];
  readonly images: ReadonlyMap<string, string>;
}

/** Images of few pixels are shown as squares of colour. */
const small = ([height, width]: readonly number[]) => (Math.max(height, width) < 100 ? ' pixels' : '');

const titles: Readonly<Record<ImageRanking['question'], string>> = {
  whole: 'The whole image',
  region: 'A part of it',
  block: 'A small part of it',
  hand: 'The hand: colours, strokes, texture',
  words: 'The words of the prompt',
  paper: 'By the fixed weights of arXiv 2504.01771',
};

/** Questions for a part, which is outlined in both images. */
const isOfPart = (question: ImageRanking['question']) => question === 'region' || question === 'block';

/** What is said of rankings that no unrelated images were measured for. */
const uncalibrated: Partial<Readonly<Record<ImageRanking['question'], string>>> = {
  words:
    'Captions that share words with the prompt, by BM25. Words are not calibrated: that captions are alike says nothing of images.',
  paper:
    'The 100 images with the captions nearest to the prompt, by the weights of the paper, which were set by hand for other data. Its distances are not calibrated: some image is always the nearest. Shares are cosines of pixels over their sum, nearly equal for all.',
};

function rankingSection(ranking: ImageRanking, shown: Shown): Html {
  const { question, resembles, items, groups } = ranking;
  const counted = countedItems(ranking);
  const listed = (counted.length > 0 ? counted : items).slice(0, 6);
  const verdict =
    resembles === undefined
      ? html`<p class="quiet">${uncalibrated[question] ?? ''}</p>`
      : resembles
        ? html`<p class="verdict good">${counted.length} item${counted.length > 1 ? 's' : ''} of the data ${counted.length > 1 ? 'are' : 'is'} more alike than unrelated images are.${ranking.covered !== undefined && ` Their parts cover ${percent(ranking.covered, 0)} of the image; shares are of that.`}</p>`
        : html`<p class="verdict open">Nothing in the data is more alike than unrelated images are${items.length > 0 ? '. The nearest, for comparison:' : '.'}</p>`;
  return html`<section><h2>${titles[question]}</h2>${verdict}
${listed.length > 0 && html`<ol class="sources-grid${isOfPart(question) ? ' paired' : ''}">${listed.map((one, rank) => sourceCard(one, rank, ranking, shown))}</ol>`}
${Object.entries(groups).map(
  ([column, all]) =>
    html`<table class="groups"><caption>${column} of the ${neighbours} nearest, by ${questions[question]}</caption><thead><tr><th>${column}</th><th class="number">of the nearest</th><th class="number">of the data</th></tr></thead><tbody>${all.map(
      ({ value, share, ofData }) =>
        html`<tr><th scope="row">${value}</th><td class="number">${percent(share, 0)}</td><td class="number">${percent(ofData)}</td></tr>`,
    )}</tbody></table>`,
)}</section>`;
}

const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

function sourceCard(
  one: TracedItem,
  rank: number,
  { question, unrelated = 0 }: ImageRanking,
  { own, name, size, images }: Shown,
): Html {
  const { item, support, share, region } = one;
  const image = images.get(item.id);
  // The column of files says again what the item is called.
  const columns = Object.entries(item.columns).filter(([, value]) => value !== item.id);
  const hue = hues[rank % hues.length];
  const boxed = isOfPart(question) && region !== undefined;
  const [height, width] = item.size;
  const sides = [height / Math.max(height, width), width / Math.max(height, width)];
  const other = region && {
    left: region.other.left / sides[1],
    right: region.other.right / sides[1],
    top: region.other.top / sides[0],
    bottom: region.other.bottom / sides[0],
  };
  return html`<li class="card"><div class="pair">
${boxed && html`<figure class="outlined${small(size)}"><img src="${own}" alt="${name}">${outline(region.own, hue)}</figure>`}
${image ? html`<figure class="outlined${small(item.size)}"><img src="${image}" alt="${item.id}">${boxed && other && outline(other, hue)}</figure>` : html`<p class="gone">The file is no longer where it was indexed, or holds another image now: it is not shown.</p>`}
</div>
<p class="source-name"><b>${item.id}</b>${share > 0 && html` <span class="tag">share ${percent(share, 0)}</span>`}</p>
${support !== undefined && html`<p class="quiet">${supportText(support, unrelated)}${boxed && region.mirrored && ', from right to left'}${boxed && html`; ${question === 'block' ? `${region.points} blocks agree` : `${region.points} points agree, here ${region.factor.toFixed(2)} times as large`}`}</p>`}
<p class="quiet">${componentsText(one)}</p>
${columns.length > 0 && html`<p class="metadata">${columns.map(([column, value]) => html`<span><b>${column}</b> ${String(value)}</span> `)}</p>`}
<details><summary>hashes</summary><dl class="facts"><div><dt>file, SHA-256</dt><dd><code>${item.hash}</code></dd></div><div><dt>pixels, SHA-256</dt><dd><code>${item.content}</code></dd></div><div><dt>indexed from</dt><dd>${item.place}</dd></div></dl></details></li>`;
}

function outline({ left, top, right, bottom }: Box, hue: number): Html {
  const [x, y, width, height] = [left, top, right - left, bottom - top].map((value) => (100 * value).toFixed(2));
  return html`<svg class="boxes" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"><rect class="under" x="${x}" y="${y}" width="${width}" height="${height}"/><rect x="${x}" y="${y}" width="${width}" height="${height}" style="stroke:hsl(${hue} 95% 60%)"/></svg>`;
}

function meanings({ calibration, trace, evidence }: ImageTracePage): Html {
  const { background, weights, planted, preset } = calibration;
  return html`<section class="meaning"><h2>What the numbers mean, and what they do not</h2><dl>
<dt>support</dt><dd>The best score of each of ${background.whole.count} images of the data against all the others, itself and its copies left out, says how alike unrelated images are. Support is the share of them that score lower. An item counts beyond ${percent(1 - unrelatedShare)}; in less than 1 % of unrelated images something does so by chance. It is no probability that the image was made from the item.</dd>
<dt>share</dt><dd>What an item's score has beyond that threshold, over the sum of all items. Shares add up to 100 % of what the data can account for, which may be little. They are no shares of authorship.</dd>
<dt>signals</dt><dd>Standard deviations beyond the mean of pairs of unrelated images: <i>pixels</i> in Oklab at 8 × 8, <i>gradients</i> in 4 × 4 cells, <i>colours</i>, <i>texture</i>; <i>regions</i> and <i>nats</i> from keypoints that lie alike in both images, each weighted by how few images have one like it; <i>blocks</i> are quarters of the side that lie at one shift in both, and their <i>nats</i> how improbable so near a block is among the images of the data; what recurs in the image itself, as a texture does, does not count. The score of the whole image weights them by ${preset === 'fitted' ? `what found ${planted.count} changed images of the data again (${planted.first} of them first)` : 'equal parts'}: ${Object.entries(
    weights.whole,
  )
    .map(([signal, weight]) => `${signal} ${weight.toFixed(2)}`)
    .join(', ')}.</dd>
<dt>in the data</dt><dd>By SHA-256 of the file and of the pixels, and by near copies (perceptual hash, 8 × 8 means and gradients together). Likeness of another kind never makes an image a member.</dd>
${!evidence.verified && html`<dt>not measured here</dt><dd>Whether a model that was trained without these items would still make the image, or whether images like them would do as well. Likeness cannot tell.</dd>`}
</dl>${trace.calibrated !== trace.images && html`<p class="quiet">Calibrated when the index had ${trace.calibrated.toLocaleString('en')} images.</p>`}</section>`;
}

function hashRows({ hashes, trace, name }: ImageTracePage): HashRow[] {
  const { same, near } = trace.membership;
  const listed = trace.rankings.flatMap((ranking) => countedItems(ranking)).map(({ item }) => item);
  const items = new Map([...same, ...near, ...listed].map(({ id, hash }) => [id, hash]));
  return [[name, hashes.file], [`pixels of ${name}`, hashes.content], ...items];
}
