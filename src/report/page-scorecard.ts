import { type Html, html } from './html.ts';
import { numberText } from './number-text.ts';
import type { ScorecardDocument } from './scorecard-document.ts';

/** The scorecard as a table for an explanation's card: score, spread over references, which way is better. */
export function renderScorecard({ entries, reference, references, warning, notes }: ScorecardDocument): Html {
  const row = ({ title, direction, score, low, high }: ScorecardDocument['entries'][number]) =>
    html`<tr><th scope="row">${title} <span class="quiet">${direction === 'higher' ? '↑' : '↓'}</span></th><td class="number">${numberText(score, 3)}</td><td class="number quiet">${low < high ? `${numberText(low, 3)} to ${numberText(high, 3)}` : ''}</td></tr>`;
  return html`<details class="scorecard" open><summary>Scorecard</summary>
${warning !== null && html`<ul class="chips"><li>${warning}</li></ul>`}
<table><caption>↑ higher is better, ↓ lower; removed features are replaced by: ${reference}${references.length > 1 && `; ranges are over ${references.join(', ')}`}</caption>
<tbody>${entries.map(row)}</tbody></table>
${notes.length > 0 && html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}</details>`;
}
