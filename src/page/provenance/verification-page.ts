import { packageVersion } from '../../explain/version.ts';
import { type ArmName, arms } from '../../provenance/verify/arms.ts';
import type { Contrast, Effect } from '../../provenance/verify/contrasts.ts';
import { effectText } from '../../provenance/verify/verdict.ts';
import type { VerifiedItem } from '../../provenance/verify/verification.ts';
import {
  aucText,
  type LeftOutColumn,
  shareAgreementTitle,
  type VerificationTold,
} from '../../provenance/verify/verification-told.ts';
import { type Html, html, verbatim } from '../html.ts';
import { pageShell } from '../shell.ts';
import { growthSection } from './growth-plot.ts';

export interface VerificationPage extends VerificationTold {
  readonly items: readonly VerifiedItem[];
  readonly remove: number;
  readonly seeds: readonly number[];
  /** The data, and how many images it has. */
  readonly name: string;
  readonly images: number;
  /** How many items each arm removed or replaced. */
  readonly removed: Readonly<Record<string, number>>;
  readonly commands: {
    readonly train: string;
    readonly cost: string;
    readonly gradient?: string;
    readonly sample?: string;
  };
  readonly drawnAgain?: DrawnAgain;
  readonly command: string;
  /** Hash of everything that the trainings depend on. */
  readonly key: string;
}

/** Some items as models of the first seed draw them from the same noise: PNG as base64. */
export interface DrawnAgain {
  readonly arms: readonly string[];
  readonly rows: readonly {
    readonly stratum: string;
    readonly prompt: string;
    readonly own: string;
    /** By arm. */
    readonly drawn: readonly string[];
  }[];
}

/** The page of a proof by retraining: three statements, the effects of all arms with intervals, and how it was done. */
export function renderVerificationPage(page: VerificationPage): string {
  const { items, verdict, membership, notes, contrasts, seeds, name, images, key, command, commands, removed } = page;
  const measures = Object.keys(contrasts[0]?.effects ?? {});
  const body = html`<div class="introduction"><p>A generator was trained again on ${name} (${images.toLocaleString('en')} images) without some of them, ${seeds.length} time${seeds.length > 1 ? 's' : ''} for each choice, and asked what ${items.length} item${items.length > 1 ? 's' : ''} of another model cost it.</p></div>
<dl class="statements">
<dt>Are the items in the data?</dt><dd>By hashes and near copies: ${membership.join('; ')}.</dd>
<dt>Does the data support them?</dt><dd>${verdict.support}</dd>
<dt>These items, or items like these?</dt><dd>${verdict.specificity}</dd>
<dt>Do unrelated items stay?</dt><dd>${verdict.unrelated}</dd></dl>
${measures.map((measure) => effectTable(`Cost of the items: ${measure}`, measure, contrasts))}
${page.drawnAgain && drawnSection(page.drawnAgain)}
${page.families.length > 0 && familySection(page.families)}
${page.growth.length > 0 && growthSection(page.growth)}
${page.leftOut && leftOutSections(page.leftOut)}
${page.tests.length > 0 && membershipSection(page)}
<section><h2>What was removed</h2><ul>${Object.entries(removed).flatMap(([arm, count]) => (arm === 'full' ? [] : [html`<li><b>${arm}</b>, ${count} images: ${armText(arm)}</li>`]))}</ul>${notes.map((note) => html`<p class="quiet">${note}</p>`)}</section>
<section class="meaning"><h2>What the numbers mean, and what they do not</h2>
<p>A number says how much more the original items cost a model that was trained without the images of an arm than one that was trained on all of them with the same seed, in the unit of the cost command. Positive: they became less likely. An interval covers 95 % of means when prompts and seeds are drawn anew; one that covers 0 shows nothing.</p>
<p>No model judges what it made: the items come from a model of another seed than all that are asked here. Prompts of one stratum are averaged; a single item's effect lies far below what one prompt can show, so no line speaks of one source.</p>
<p>An effect says nothing of membership. Where look-alikes from outside the data replace the traced images without an effect, the items rest on images like these, not on these.</p>
<p>The likeness of regenerated images, by which others have measured this (mean cosine .534 with all data, .498 without the traced images: arXiv 2504.01771), is another measure, and is not compared here.</p></section>
<section><h2>How to reproduce</h2><pre>${verbatim(command)}</pre><dl class="facts"><div><dt>trains</dt><dd><code>${verbatim(commands.train)}</code></dd></div><div><dt>measures</dt><dd><code>${verbatim(commands.cost)}</code></dd></div>${commands.gradient !== undefined && html`<div><dt>gradients</dt><dd><code>${verbatim(commands.gradient)}</code></dd></div>`}${commands.sample !== undefined && html`<div><dt>draws again</dt><dd><code>${verbatim(commands.sample)}</code></dd></div>`}<div><dt>key of the run, SHA-256</dt><dd><code>${key}</code></dd></div></dl></section>`;
  return pageShell({ title: 'Does it go away when they are removed?', style, body, madeBy: packageVersion });
}

function armText(arm: string): string {
  if (Object.hasOwn(arms, arm)) return arms[arm as ArmName].what;
  if (arm === 'swap') return 'each traced image replaced by its best look-alike from outside the data';
  return arm.startsWith('traced, ') ? arms.traced.what : 'all images of this value';
}

function effectTable(title: string, measure: string, contrasts: readonly Contrast[]): Html {
  const strata = Object.keys(contrasts[0].effects[measure]);
  return html`<section><h2>${title}</h2><div class="scroll"><table class="effects"><thead><tr><th>arm</th><th class="number">seeds</th>${strata.map((stratum) => html`<th class="number">${stratum}</th>`)}</tr></thead><tbody>${contrasts.map(
    ({ arm, against, effects }) =>
      html`<tr><th scope="row">${against === undefined ? arm : `${arm} − ${against}`}</th><td class="number">${Object.values(effects[measure])[0].seeds}</td>${strata.map((stratum) => effectCell(effects[measure][stratum]))}</tr>`,
  )}</tbody></table></div></section>`;
}

function effectCell(effect: Effect): Html {
  const isShown = effect.low !== undefined && effect.high !== undefined && (effect.low > 0 || effect.high < 0);
  return html`<td class="number">${isShown ? html`<b>${effectText(effect)}</b>` : effectText(effect)}<span class="aside">${effect.prompts} prompt${effect.prompts > 1 ? 's' : ''}</span></td>`;
}

function leftOutSections(leftOut: LeftOutColumn): Html {
  const { column, contrasts, agreement } = leftOut;
  return html`${effectTable(`Without each ${column}: cost of the items`, 'whole', contrasts)}
<section><h2>Shares by tracing, against leaving out</h2><p>${shareAgreementTitle(leftOut)}.</p><div class="scroll"><table class="effects"><thead><tr><th>shares by</th><th class="number">first agrees</th><th class="number">where effects differ clearly</th><th class="number">NDCG of the first three</th></tr></thead><tbody>${agreement.map(
    ({ method, first, clear, ndcg }) =>
      html`<tr><th scope="row">${method}</th><td class="number">${aucText(first)}</td><td class="number">${clear?.toFixed(3) ?? '–'}</td><td class="number">${aucText(ndcg)}</td></tr>`,
  )}</tbody></table></div></section>`;
}

function drawnSection({ arms, rows }: DrawnAgain): Html {
  const cell = (png: string, alt: string) => html`<td><img src="data:image/png;base64,${png}" alt="${alt}"></td>`;
  return html`<section><h2>Drawn again</h2><p class="quiet">The first items of some prompts, and what models of the first seed draw for their prompts, all from the same noise. They illustrate: another seed alone draws other images, so nothing is measured by them.</p><div class="scroll"><table class="effects drawn"><thead><tr><th>prompt</th><th>the item</th>${arms.map((arm) => html`<th>${arm}</th>`)}</tr></thead><tbody>${rows.map(
    ({ stratum, prompt, own, drawn }) =>
      html`<tr><th scope="row">${prompt}<span class="aside">${stratum}</span></th>${cell(own, 'the item')}${drawn.map((png, a) => cell(png, arms[a]))}</tr>`,
  )}</tbody></table></div></section>`;
}

function familySection(families: VerificationPage['families']): Html {
  const strata = Object.keys(families[0].shares);
  return html`<section><h2>How much of the families each arm finds</h2><p class="quiet">Of each item's family in the data, the share among as many images as it has.</p><div class="scroll"><table class="effects"><thead><tr><th>arm</th>${strata.map((stratum) => html`<th class="number">${stratum}</th>`)}</tr></thead><tbody>${families.map(({ arm, shares }) => html`<tr><th scope="row">${arm}</th>${strata.map((stratum) => html`<td class="number">${shares[stratum].toFixed(2)}</td>`)}</tr>`)}</tbody></table></div></section>`;
}

function membershipSection({ tests }: VerificationPage): Html {
  return html`<section><h2>Could costs alone tell what was in the data?</h2><p>The area under the ROC curve of costs, over the traced images and their look-alikes from outside; .5 is chance. It is a statement on a whole stratum, and no verdict on one image.</p><div class="scroll"><table class="effects"><thead><tr><th>stratum</th><th class="number">in the data</th><th class="number">look-alikes</th><th class="number">by own cost</th><th class="number">against models that saw neither</th></tr></thead><tbody>${tests.map(
    ({ stratum, members, lookAlikes, own, against }) =>
      html`<tr><th scope="row">${stratum}</th><td class="number">${members}</td><td class="number">${lookAlikes}</td><td class="number">${aucText(own)}</td><td class="number">${against ? aucText(against) : '–'}</td></tr>`,
  )}</tbody></table></div></section>`;
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.statements{margin:0 0 1.4rem;max-width:52rem}.statements dt{font-weight:600}.statements dd{margin:.1rem 0 .9rem;overflow-wrap:anywhere}
.effects{font-size:.9rem}.effects thead th{color:var(--quiet)}.effects td,.effects th{padding:.4em 1.2em .4em 0;border-bottom:1px solid var(--line);overflow-wrap:normal}.effects thead .number{text-align:right}
.drawn img{width:72px;display:block;image-rendering:pixelated;border-radius:3px}.drawn td,.drawn th{padding-right:.8em}.meaning p{max-width:52rem}.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,240px),1fr));gap:1rem}.growth{margin:0}.growth svg{width:100%;max-width:320px;font-size:11px}.growth text{fill:var(--quiet)}.growth figcaption{font-weight:600}.facts code{overflow-wrap:anywhere}
`;
