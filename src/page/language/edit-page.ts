import { packageVersion } from '../../explain/version.ts';
import type { EditDocument } from '../../language/edit/edit-fact.ts';
import { html, verbatim } from '../html.ts';
import { pageShell } from '../shell.ts';
import { editRows } from './edit-rows.ts';

/** The page of a rank-one edit: what it does, and what it does besides. */
export function renderEditPage(document: EditDocument, command?: string): string {
  const { model, prompt, answer, before, layer, at, notes } = document;
  const [head, ...rows] = editRows(document);
  const body = html`<div class="introduction"><p class="verdict">${prompt}<s>${before}</s><b>${answer}</b></p><p class="quiet">A change of rank one in the MLP of layer ${String(layer)}, at “${at.trim()}”, of <b>${model.name}</b>: where the MLP is asked for this subject, it adds what brings the answer. Beside it: the same value reached through other directions, which touches other subjects as well, and other values of the same length.</p></div>
<section><h2>What changes</h2><div class="wide"><table class="effects"><thead><tr>${head.map((text) => html`<th>${text}</th>`)}</tr></thead><tbody>${rows.map(
    ([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((text) => html`<td>${text}</td>`)}</tr>`,
  )}</tbody></table></div></section>
<section><h2>Details</h2><ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({ title: 'What else would change?', style, body, madeBy: packageVersion });
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.verdict{font-size:1.25rem}.verdict s{opacity:.6}
.wide{overflow-x:auto}
.effects{border-collapse:collapse}.effects th,.effects td{padding:.3em 1.2em .3em 0;text-align:right;font-weight:400;font-variant-numeric:tabular-nums}.effects tr>:first-child{text-align:left}
`;
