import type { ExplanationDocument } from '../../explain/document.ts';
import type { Explained } from '../../explain/explained.ts';
import { meaningOf, promisesSum } from '../../explain/meaning.ts';
import { type Html, html } from '../html.ts';
import { errorNumber, judge } from '../judgement.ts';
import { numberText, percentText } from '../number-text.ts';

/** What explanations may differ in. */
const askedOf: readonly (readonly [string, (document: ExplanationDocument) => string])[] = [
  ['input', ({ input }) => input.source.split(/[\\/]/).pop() || input.source],
  ['target', ({ targetDescription }) => targetDescription],
  ['baseline', ({ baselineDescription }) => baselineDescription ?? 'none stated'],
  ['method', ({ methodTitle }) => methodTitle],
  ['layer', ({ layer }) => layer.join(' + ')],
];

/** All explanations of a page in one table; what is the same for all stands above it, once. */
export function renderSummary(explained: readonly Explained[]): Html {
  const documents = explained.map(({ document }) => document);
  const differs = askedOf.filter(([, text]) => new Set(documents.map(text)).size > 1);
  // A line needs a name to be called by.
  const columns = differs.length > 0 ? differs : askedOf.slice(3, 4);
  const same = askedOf.filter((one) => !columns.includes(one));
  const head = (columns.find(([title]) => title === 'method') ?? columns.at(-1))?.[0];
  return html`<section class="summary" aria-labelledby="summary">
<h2 id="summary">All explanations</h2>
${same.length > 0 && html`<p class="quiet">The same for all: ${same.map(([title, text]) => `${title} ${text(documents[0])}`).join('; ')}.</p>`}
<div class="scroll" role="region" aria-labelledby="summary" tabindex="0">
<table><thead><tr>${columns.map(([title]) => html`<th scope="col">${title}</th>`)}${['T', 'ΣA', 'E', 'E / |T|'].map((title) => html`<th scope="col" class="number">${title}</th>`)}<th scope="col"><span class="unseen">verdict</span></th></tr></thead>
<tbody>${documents.map(
    (document, i) => html`<tr>
${columns.map(([title, text]) => (title === head ? html`<th scope="row"><a href="#e${i}">${text(document)}</a>${verdict(document, 'grade below', true)}</th>` : html`<td${title === 'target' && html` class="long"`}>${text(document)}</td>`))}
<td class="number">${numberText(document.attributionTarget)}</td>${
      !promisesSum(document)
        ? html`<td class="number">–</td><td class="number">–</td><td class="number">–</td><td>${verdict(document)}</td>`
        : html`<td class="number">${numberText(document.sum)}</td>
<td class="number">${errorNumber(document)}</td><td class="number">${document.relativeError === null ? '–' : percentText(document.relativeError)}</td>
<td>${verdict(document)}</td>`
    }</tr>`,
  )}</tbody></table>
</div>
</section>`;
}

/** What values that promise no sum are, in a word. */
const kinds = { share: 'shares', rate: 'rates, no sum', mask: 'a mask', score: 'scores, no sum' } as const;

const grades = { good: 'adds up', poor: 'does not add up', open: 'nothing to add up to' };

/** How far an explanation adds up, in a word. `again`: it is said elsewhere in the line, for those who hear it. */
function verdict(document: ExplanationDocument, kind = 'grade', again = false): Html {
  const { grade } = judge(document);
  return html`<span class="${kind} ${grade}"${again && html` aria-hidden="true"`}>${promisesSum(document) ? grades[grade] : kinds[meaningOf(document).kind]}</span>`;
}
