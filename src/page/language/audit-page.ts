import { packageVersion } from '../../explain/version.ts';
import type { AuditDocument, AuditMeasure } from '../../language/audit/audit-document.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText } from '../number-text.ts';
import { pageShell } from '../shell.ts';

const titles: Readonly<Record<AuditDocument['kind'], string>> = {
  memory: 'What did the model learn by heart?',
  fairness: 'Does it matter who is named?',
  behaviour: 'How often does the model do it?',
  honesty: 'Does the model say the same again?',
};

/** Cases that the page shows; the document has all. */
const mostCases = 60;

/** The page of an audit: what was found, its numbers with intervals, and the single cases. */
export function renderAuditPage(document: AuditDocument): string {
  const { kind, model, verdict, alarm, measures, cases, notes, command } = document;
  const body = html`<div class="introduction"><p class="verdict ${alarm ? 'alarm' : 'calm'}">${verdict}</p><p class="quiet">Asked: <b>${model}</b>.</p></div>
<section><h2>The numbers</h2>${measuresTable(measures)}</section>
<section><h2>Case by case</h2><div class="scroll"><table class="cases"><thead><tr>${cases.columns.map((name) => html`<th>${name}</th>`)}</tr></thead><tbody>${cases.rows
    .slice(0, mostCases)
    .map(
      (row) =>
        html`<tr>${row.map((cell) => (typeof cell === 'number' ? html`<td class="number">${numberText(cell, 3)}</td>` : html`<td>${cell}</td>`))}</tr>`,
    )}</tbody></table></div>${cases.rows.length > mostCases && html`<p class="quiet">and ${cases.rows.length - mostCases} more in audit.json</p>`}</section>
<section><h2>Details</h2><ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({ title: titles[kind], style, body, madeBy: packageVersion });
}

/** The numbers of an audit; those with an interval are drawn on one scale. */
function measuresTable(measures: readonly AuditMeasure[]): Html {
  const ends = measures
    .flatMap(({ low, high }) => (low !== undefined && high !== undefined ? [low, high] : []))
    .filter(Number.isFinite);
  const least = ends.reduce((low, value) => Math.min(low, value), 0);
  const most = ends.reduce((high, value) => Math.max(high, value), 0) || 1;
  const at = (value: number) => `${((100 * (value - least)) / (most - least)).toFixed(2)}%`;
  return html`<div class="scroll"><table class="measures"><tbody>${measures.map(({ name, value, low, high, note }) => {
    const hasRange = low !== undefined && high !== undefined && Number.isFinite(low);
    const range = hasRange
      ? html`<span class="range" style="left:${at(low)};width:calc(${at(high)} - ${at(low)})"></span>`
      : '';
    const words = hasRange ? `${numberText(low, 3)} to ${numberText(high, 3)}` : '';
    return html`<tr><th scope="row">${name}${note !== undefined && html`<span class="quiet">${note}</span>`}</th><td class="track"><span class="zero" style="left:${at(0)}"></span>${range}${hasRange && html`<span class="dot" style="left:${at(value)}"></span>`}</td><td class="number">${numberText(value, 3)}</td><td class="number quiet">${words}</td></tr>`;
  })}</tbody></table></div>`;
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.verdict{font-size:1.3rem;font-weight:600;border-left:6px solid var(--good);padding-left:.7em}.verdict.alarm{border-color:var(--poor)}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.measures{border-collapse:collapse;width:min(100%,62rem)}.measures th{font-weight:400;text-align:left;padding:.4em 1.2em .4em 0;max-width:26rem}.measures th .quiet{display:block;font-size:.85em}
.measures .track{position:relative;width:34%;min-width:10rem}.measures .track span{position:absolute;top:50%}.measures .zero{width:1px;height:100%;transform:translateY(-50%);background:var(--line)}.measures .range{height:2px;margin-top:-1px;background:var(--accent)}.measures .dot{width:9px;height:9px;border-radius:50%;transform:translate(-50%,-50%);background:var(--accent)}
.measures .number{padding-left:1em}
.cases{border-collapse:collapse;font-size:.9rem}.cases th{text-align:left;font-weight:600;padding:.3em 1em .3em 0}.cases td{padding:.3em 1em .3em 0;border-top:1px solid var(--line);vertical-align:top;max-width:38rem;white-space:pre-wrap}.cases td.number{white-space:nowrap}
`;
