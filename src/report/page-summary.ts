import type { ExplanationDocument } from './document.ts';
import type { Explained } from './explained.ts';
import { type Html, html } from './html.ts';
import { judge } from './judgement.ts';
import { maskOf } from './mask.ts';
import { numberText, percentText } from './number-text.ts';

/** What explanations may differ in, beside method and layer. */
const askedOf: readonly (readonly [string, (document: ExplanationDocument) => string])[] = [
  ['input', ({ input }) => input.source.split(/[\\/]/).pop() || input.source],
  ['target', ({ targetDescription }) => targetDescription],
  ['baseline', ({ baselineDescription }) => baselineDescription ?? 'none stated'],
];

/** All explanations of a page in one table; what is the same for all stands above it, once. */
export function renderSummary(explained: readonly Explained[]): Html {
  const varies = (text: (document: ExplanationDocument) => string) =>
    new Set(explained.map(({ document }) => text(document))).size > 1;
  const columns = askedOf.filter(([, text]) => varies(text));
  const same = askedOf.filter(([, text]) => !varies(text));
  const titles = [...columns.map(([title]) => title), 'method', 'layer'];
  const grades = { good: 'adds up', poor: 'does not add up', open: 'nothing to add up to' };
  return html`<section class="summary" aria-labelledby="summary">
<h2 id="summary">All explanations</h2>
${same.length > 0 && html`<p class="quiet">The same for all: ${same.map(([title, text], i) => `${i > 0 ? '; ' : ''}${title} ${text(explained[0].document)}`).join('')}.</p>`}
<div class="scroll" role="region" aria-labelledby="summary" tabindex="0">
<table><thead><tr>${titles.map((title) => html`<th scope="col">${title}</th>`)}${['T', 'ΣA', 'E', 'E / |T|'].map((title) => html`<th scope="col" class="number">${title}</th>`)}<th scope="col"><span class="unseen">verdict</span></th></tr></thead>
<tbody>${explained.map(
    ({ document }, i) => html`<tr>
${columns.map(([, text]) => html`<td class="long">${text(document)}</td>`)}
<th scope="row"><a href="#e${i}">${document.methodTitle}</a></th><td><code>${document.layer.join(' + ')}</code></td>
<td class="number">${numberText(document.attributionTarget)}</td>${
      maskOf(document)
        ? html`<td class="number">–</td><td class="number">–</td><td class="number">–</td><td><span class="grade open">a mask</span></td>`
        : html`<td class="number">${numberText(document.sum)}</td>
<td class="number">${numberText(document.error, 3)}</td><td class="number">${document.relativeError === null ? '–' : percentText(document.relativeError)}</td>
<td><span class="grade ${judge(document).grade}">${grades[judge(document).grade]}</span></td>`
    }</tr>`,
  )}</tbody></table>
</div>
</section>`;
}
