import type { InfluentialRow } from '../../influence/influence-document.ts';
import type { RowView, RowViews } from '../audit/row-view.ts';
import { type Html, html } from '../html.ts';
import { rowImage, rowText } from '../row-shown.ts';
import { pageShell } from '../shell.ts';
import { plainAnswer, plainExamples, type RowDocument } from './plain-words.ts';

const style = `
.said{font-size:1.35rem;line-height:1.45;max-width:40rem}
.examples{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,13rem),1fr));gap:1.2rem;list-style:none;padding:0;margin:1rem 0 2rem;max-width:52rem}
.examples li{border:1px solid var(--line);border-radius:10px;background:var(--card);padding:1rem}
.examples img,.asked img{width:100%;max-width:12rem;aspect-ratio:1;object-fit:contain;image-rendering:pixelated;background:#000;border-radius:6px;margin-bottom:.6rem}
.asked{margin:0 0 1.4rem;max-width:40rem}.asked blockquote,.examples blockquote{margin:0 0 .6rem}
.rare{border-left:4px solid var(--warn-line);background:var(--warn-ground);color:var(--warn-ink);padding:.7rem 1rem;max-width:40rem;border-radius:4px}
details table{width:auto}details td,details th{padding-right:1.4em}
`;

/**
 * The page for the person whom a prediction is about: what the model says, up to three training examples behind it, and
 * whether it has seen few like this. Numbers come last, folded.
 */
export async function renderPlainPage(
  document: RowDocument,
  views: { readonly rows: RowViews; readonly query: RowViews },
): Promise<string> {
  const { query, classes, method } = document;
  const [asked] = await views.query([0]);
  const examples = plainExamples(document);
  const seen = await views.rows(examples.map(({ row }) => row.row));
  const name = (k: number | undefined) => (k === undefined ? '' : (classes[k] ?? String(k)));
  const { said, rare, basis } = plainAnswer(document);
  const body = html`<div class="asked">${viewOf(asked)}</div>
<p class="said">${said}</p>
${rare && html`<p class="rare">${rare}</p>`}
${
  examples.length > 0 &&
  html`<h2>Examples behind it</h2>
<p>${basis}</p>
<ul class="examples">${examples.map(({ row, words }, i) => html`<li>${viewOf(seen[i])}<div><strong>${name(row.label)}</strong></div><div class="quiet">${words}</div></li>`)}</ul>`
}
<details><summary>The numbers</summary>
<table><tr><th>probability of ${name(query.predicted)}</th><td>${(100 * query.probability).toFixed(1)} %</td></tr>
${examples.map(({ row }) => html`<tr><th>${row.from}</th><td>${numberText(row)} ${method.unit}</td></tr>`)}</table>
<p class="quiet">Scores by ${method.title} over ${document.data.rows} rows: what the presence of a row does to the log-probability of ${name(query.target)}.</p></details>`;
  return pageShell({
    title: 'Why this answer?',
    style,
    body,
    footer: html`Made by Wherefore ${document.wherefore}. This page holds everything it shows; nothing is loaded from elsewhere.`,
  });
}

const numberText = ({ score }: InfluentialRow) => `${score < 0 ? '−' : '+'}${Math.abs(score).toPrecision(2)}`;

function viewOf(view: RowView): Html {
  return view.kind === 'image' ? rowImage(view) : html`<blockquote>${rowText(view)}</blockquote>`;
}
