import type { Explained } from './explained.ts';
import { type Html, html } from './html.ts';
import { judge } from './judgement.ts';
import { maskOf } from './mask.ts';
import { numberText, percentText } from './number-text.ts';

/** All explanations of a page in one table. */
export function renderSummary(explained: readonly Explained[]): Html {
  // Rows that differ in their baseline alone would read the same.
  const severalBaselines = new Set(explained.map(({ document }) => document.baselineDescription)).size > 1;
  const titles = ['input', 'target', ...(severalBaselines ? ['baseline'] : []), 'method', 'layer'];
  const grades = { good: 'adds up', poor: 'does not add up', open: 'nothing to add up to' };
  return html`<section class="summary" aria-labelledby="summary">
<h2 id="summary">All explanations</h2>
<div class="scroll" role="region" aria-labelledby="summary" tabindex="0">
<table><thead><tr>${titles.map((title) => html`<th scope="col">${title}</th>`)}${['T', 'ΣA', 'E', 'E / |T|'].map((title) => html`<th scope="col" class="number">${title}</th>`)}<th scope="col"><span class="unseen">verdict</span></th></tr></thead>
<tbody>${explained.map(
    ({ document }, i) => html`<tr>
<td>${document.input.source.split(/[\\/]/).pop()}</td><td>${document.targetDescription}</td>${severalBaselines && html`<td>${document.baselineDescription ?? 'none stated'}</td>`}
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
