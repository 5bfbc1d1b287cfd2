import { packageVersion } from '../../explain/version.ts';
import type { ForbiddenItem } from '../../provenance/report/forbidden.ts';
import type { Memorisation } from '../../provenance/report/memorisation.ts';
import type { CopyGroup } from '../../provenance/report/near-copies.ts';
import { type Html, html, verbatim } from '../html.ts';
import { pageShell } from '../shell.ts';

export interface DataReport {
  readonly index: { readonly name: string; readonly images: number };
  readonly copies: readonly CopyGroup[];
  /** Undefined where no generated images were given. */
  readonly memorisation?: Memorisation;
  /** Undefined where no list was given. */
  readonly forbidden?: readonly ForbiddenItem[];
  readonly command: string;
}

/** Groups and items that a page lists; all stand in the document. */
const most = 200;

/** The page of a report about data: copies in it, what a generator memorised of it, what must not be in it. */
export function renderReportPage(report: DataReport): string {
  const { index, copies, memorisation, forbidden, command } = report;
  const body = html`<div class="introduction"><p>About ${index.images.toLocaleString('en')} images of ${index.name}.</p></div>
${copiesSection(copies)}${memorisation && memorisationSection(memorisation)}${forbidden && forbiddenSection(forbidden)}
<section><h2>How to reproduce</h2><pre>${verbatim(command)}</pre></section>`;
  return pageShell({ title: 'Copies, and what was copied', style, body, madeBy: packageVersion });
}

function copiesSection(copies: readonly CopyGroup[]): Html {
  const images = copies.reduce((sum, { ids }) => sum + ids.length, 0);
  return html`<section><h2>Copies in the data</h2><p>${copies.length === 0 ? 'None were found.' : `${images} images are in ${copies.length} groups of copies.`}</p>
<p class="quiet">Exact: the same pixels. Near: perceptual hash, 8 × 8 means and gradients all but equal, as after compression or resizing; chains of such pairs are one group.</p>
${copies.length > 0 && html`<table class="list"><thead><tr><th>kind</th><th class="number">images</th><th>ids</th></tr></thead><tbody>${copies.slice(0, most).map(({ kind, ids }) => html`<tr><td>${kind}</td><td class="number">${ids.length}</td><td>${idsText(ids)}</td></tr>`)}</tbody></table>${more(copies.length)}`}</section>`;
}

function memorisationSection({ share, limit, items, sampled }: Memorisation): Html {
  const listed = items.filter(({ memorised }) => memorised).sort((a, b) => a.distance - b.distance);
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const interval =
    share.low === undefined || share.high === undefined
      ? ''
      : ` (95 %: ${percent(share.low)} to ${percent(share.high)})`;
  return html`<section><h2>What the generator memorised</h2><p>${percent(share.mean)}${interval} of ${items.length} generated images lie nearer to an image of the data than 99 % of ${sampled} images of the data lie to their nearest other one. Without memorisation about 1 % would.</p>
<p class="quiet">By the distance of 8 × 8 means in Oklab, below ${limit.toFixed(4)}. It says that an image is nearly there, not how it came about; copies in the data make it likelier.</p>
${listed.length > 0 && html`<table class="list"><thead><tr><th>generated</th><th>nearest of the data</th><th class="number">distance</th></tr></thead><tbody>${listed.slice(0, most).map(({ name, id, distance }) => html`<tr><td>${name}</td><td>${id}</td><td class="number">${distance.toFixed(4)}</td></tr>`)}</tbody></table>${more(listed.length)}`}</section>`;
}

const foundText: Readonly<Record<ForbiddenItem['found'], string>> = {
  same: 'in the data: the same file or pixels',
  near: 'in the data as a near copy',
  part: 'a part of it is in the data, more alike than unrelated images are',
  clear: 'not found',
};

function forbiddenSection(forbidden: readonly ForbiddenItem[]): Html {
  const found = forbidden.filter((item) => item.found !== 'clear');
  return html`<section><h2>The do-not-train list</h2><p class="verdict ${found.length > 0 ? 'poor' : 'good'}">${found.length} of ${forbidden.length} are in the data, whole or in part.</p>
<p class="quiet">“Not found” holds for hashes exactly; for near copies and parts, images that are changed much or hold few details may be missed.</p>
<table class="list"><thead><tr><th>listed</th><th>found</th><th>ids</th></tr></thead><tbody>${[...found, ...forbidden.filter((item) => item.found === 'clear')].slice(0, most).map(({ name, found: how, ids }) => html`<tr><td>${name}</td><td>${foundText[how]}</td><td>${idsText(ids)}</td></tr>`)}</tbody></table>${more(forbidden.length)}</section>`;
}

const idsText = (ids: readonly string[]): string =>
  `${ids.slice(0, 8).join(', ')}${ids.length > 8 ? ` and ${ids.length - 8} more` : ''}`;

const more = (count: number) =>
  count > most && html`<p class="quiet">and ${(count - most).toLocaleString('en')} more in report.json</p>`;

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}main section>p{max-width:46rem}
.list{font-size:.9rem}.list td,.list th{padding:.35em 1em .35em 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}.list thead th{color:var(--quiet)}.list .number{text-align:right}
`;
