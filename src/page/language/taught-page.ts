import { packageVersion } from '../../explain/version.ts';
import type { TaughtDocument, TaughtRow } from '../../language/taught/taught-document.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText, signedText } from '../number-text.ts';
import { pageShell } from '../shell.ts';

/** The page of what taught an answer: texts that move it, beside those that state it. */
export function renderTaughtPage(document: TaughtDocument, command?: string): string {
  const { model, prompt, answer, logProbability, rows, checkpoints, instead, method, notes } = document;
  const { movers, against, statements } = document;
  const body = html`<div class="introduction"><p class="question">${prompt} <b>${answer.trim()}</b></p>
<p>Which of ${rows.toLocaleString('en')} training texts taught <b>${model.name}</b> this${instead && html`, of <b>${instead.word}</b> and not of ${instead.others.join(', ')}`}?${logProbability !== undefined && ` log p = ${numberText(logProbability, 4)}.`}</p>${method ? momentsOf(document) : html`<p class="warning"><strong>Similar text, not influence.</strong> The model gives no gradients, so nothing is known of what moved it.</p>`}</div>
<div class="columns">${method && html`<section><h2>Moves the model</h2><p class="quiet">${method.title}, ${checkpoints.length > 1 ? `added up over ${checkpoints.length} moments` : 'at one setting of the weights'}.</p>${rowList(movers, 'moves')}</section>`}
<section><h2>States it</h2><p class="quiet">Words in common with the question and the answer, by BM25. Similar text is no evidence that the model learned from it.</p>${rowList(statements, 'states')}</section></div>
${method && html`<section><h2>Texts that lower the answer</h2>${rowList(against, 'moves')}</section>`}
<section><h2>Details</h2><ul class="notes">${[...notes, ...(method ? [method.source] : [])].map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({ title: 'Which training text taught this?', style, body, madeBy: packageVersion });
}

function momentsOf({ checkpoints, logProbability }: TaughtDocument): Html {
  if (checkpoints.length === 0) {
    return html`<p class="warning"><strong>Only the final weights were looked at.</strong> What a model knows by heart has hardly a gradient left there: give moments from the middle of the training (<code>--checkpoints</code>).</p>`;
  }
  const all = [...checkpoints, { name: 'the model as it is', logProbability }];
  return html`<div class="scroll"><table class="moments"><thead><tr><th>moment</th><th>log p of the answer</th></tr></thead><tbody>${all.map((one) => html`<tr><td>${one.name}</td><td class="number">${numberText(one.logProbability ?? Number.NaN, 4)}</td></tr>`)}</tbody></table></div>`;
}

function rowList(rows: readonly TaughtRow[], by: 'moves' | 'states'): Html {
  if (rows.length === 0) return html`<p>None.</p>`;
  let most = 0;
  for (const row of rows) most = Math.max(most, Math.abs(row[by] ?? 0));
  return html`<ol class="texts">${rows.map((row) => {
    const own = row[by] ?? 0;
    const share = most > 0 ? Math.abs(own) / most : 0;
    const [place, other] = by === 'moves' ? [row.statesPlace, 'states it'] : [row.movesPlace, 'moves it'];
    const value = by === 'moves' ? signedText(own) : numberText(own, 3);
    return html`<li class="${own < 0 ? 'minus' : 'plus'}"><span class="bar" style="--share:${share.toFixed(3)}"></span><span class="text">${row.text}</span><span class="quiet">${value}${place !== undefined && ` · ${other}: place ${Math.round(place)}`} · text ${row.row}</span></li>`;
  })}</ol>`;
}

const style = `
.question{font-size:1.3rem}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1.5rem 2.5rem}
section{margin:1.6rem 0}
.texts{padding-left:1.6em;margin:.6rem 0;max-width:46rem}
.texts li{margin:.55em 0}
.texts .text{display:block;overflow-wrap:anywhere}
.texts .bar{display:block;height:.35em;width:calc(100% * var(--share));background:#c0392b;border-radius:2px}
.texts .minus .bar{background:#2471a3}
.moments td,.moments th{padding:.15em 1.2em .15em 0;text-align:left}
.warning{border-left:6px solid var(--poor);padding:.4em 1em;background:var(--card);max-width:52rem}
pre{white-space:pre-wrap}
`;
