import { packageVersion } from '../../explain/version.ts';
import type { EditDocument } from '../../language/edit/edit-fact.ts';
import { type Html, html, verbatim } from '../html.ts';
import { percentText } from '../number-text.ts';
import { pageShell } from '../shell.ts';
import { editRows, siteRows } from './edit-rows.ts';

/** The page of a rank-one edit: what it does, and what it does besides. */
export function renderEditPage(document: EditDocument, command?: string): string {
  const { model, prompt, answer, before, layer, at, notes } = document;
  const body = html`<div class="introduction"><p class="verdict">${prompt} <s>${before.trim()}</s> <b>${answer.trim()}</b></p><p>${verdictOf(document)}</p><p class="quiet">A change of rank one in the MLP of layer ${String(layer)}, at “${at.trim()}”, of <b>${model.name}</b>: where the MLP reads what it reads there, it adds what brings the answer. Beside it: the same value reached through other directions, which touches other texts as well, and other values of the same length.</p></div>
<section><h2>What changes</h2>${table(editRows(document))}</section>
<section><h2>Where it was tried</h2><p class="quiet">In each layer a value is sought that brings the answer when the MLP adds it at the last token of the subject; at the last token of the prompt where the subject does not bring it. Of those that do, the one is taken that changes least of what the model says in the texts.</p>${table(siteRows(document))}</section>
<section><h2>Details</h2><ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({ title: 'What else would change?', style, body, madeBy: packageVersion });
}

function verdictOf({ effects }: EditDocument): string {
  const edit = effects[1];
  const shares: readonly (readonly [number | null, (share: number) => string])[] = [
    [
      edit.paraphrases,
      (share) => `behind ${percentText(share)} of the paraphrases it is more probable than the old one`,
    ],
    [edit.neighboursChanged, (share) => `${percentText(share)} of the neighbours change what they say next`],
  ];
  const told = shares.flatMap(([share, words]) => (share === null ? [] : [words(share)]));
  return `${[edit.efficacy === 1 ? 'The answer is written' : 'The answer is not written', ...told].join('; ')}.`;
}

const table = ([head, ...rows]: string[][]): Html =>
  html`<div class="scroll"><table class="effects"><thead><tr>${head.map((text) => html`<th>${text}</th>`)}</tr></thead><tbody>${rows.map(
    ([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((text) => html`<td>${text}</td>`)}</tr>`,
  )}</tbody></table></div>`;

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.verdict{font-size:1.25rem}.verdict s{opacity:.6}
.effects{border-collapse:collapse}.effects th,.effects td{padding:.3em 1.2em .3em 0;text-align:right;font-weight:400;font-variant-numeric:tabular-nums}.effects thead th{white-space:nowrap}.effects tr>:first-child{text-align:left;white-space:nowrap}
`;
