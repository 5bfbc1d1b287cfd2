import { packageVersion } from '../../explain/version.ts';
import type { FeatureDashboard } from '../../language/features/dashboards.ts';
import type { DictionaryQuality, FeaturesDocument } from '../../language/features/features.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText, percentText } from '../number-text.ts';
import { pageShell } from '../shell.ts';

/** The page of a layer's features: what the dictionary is worth beside others, and where each feature is strong. */
export function renderFeaturesPage(document: FeaturesDocument, command?: string): string {
  const { model, layer, tokens, texts, features, dashboards, notes } = document;
  const body = html`<div class="introduction"><p>The stream behind layer ${layer} of <b>${model.name}</b>, taken apart into ${features} features at ${tokens} tokens of ${texts} texts.</p></div>
<section><h2>What the dictionary is worth</h2><p class="quiet"><b>Explained</b>: share of the variance with as many active rows; poor dictionaries may have a high one. <b>Loss won back</b>: where what the dictionary makes of the stream takes its place, from mean vectors (0) to the stream itself (100 %). <b>Like another seed</b>: mean largest cosine of its rows with those of a training with another seed. Those that are not learnt stand below, with as many active rows.</p>
${qualityTable(document)}</section>
<section><h2>Features</h2><p class="quiet">From the most frequent on, of the first seed. Each line is a place where it is strong, darker where it is stronger. <i>Raises</i>: tokens whose probability rises most where its direction is added to the mean stream, read through the final norm.</p>
<div class="features">${dashboards.map(card)}</div></section>
<section><h2>Details</h2><ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({ title: 'What is in a layer?', style, body, madeBy: packageVersion });
}

function qualityTable({ learnt, controls }: FeaturesDocument): Html {
  const cells = ({ explained, recovered, stable }: DictionaryQuality) =>
    html`<td class="number">${percentText(explained)}</td><td class="number">${percentText(recovered)}</td><td class="number">${stable === undefined ? '–' : numberText(stable, 2)}</td>`;
  return html`<div class="scroll"><table class="quality"><thead><tr><th>dictionary</th><th class="number">explained</th><th class="number">loss won back</th><th class="number">like another seed</th><th class="number">active</th><th class="number">dead</th></tr></thead><tbody>
${learnt.map((one) => html`<tr><th scope="row">learnt, seed ${one.seed}</th>${cells(one)}<td class="number">${numberText(one.active, 3)}</td><td class="number">${one.dead}</td></tr>`)}
${controls.map((one) => html`<tr class="quiet"><th scope="row">${one.name}</th>${cells(one)}<td></td><td></td></tr>`)}</tbody></table></div>`;
}

const spoken = (token: string) => token.replace(/\n/g, '↵');

function card({ feature, density, examples, promotes }: FeatureDashboard): Html {
  const most = examples.reduce((size, example) => Math.max(size, example.most), 0) || 1;
  return html`<article class="feature"><h3>${feature}<span class="quiet"> active at ${percentText(density)}</span></h3>
<p class="quiet">raises ${promotes.map((token) => html`<q>${spoken(token)}</q> `)}</p>
${examples.map(({ tokens, activations }) => html`<p class="place">${tokens.map((token, i) => html`<span style="--share:${(activations[i] / most).toFixed(2)}" title="${numberText(activations[i], 2)}">${spoken(token)}</span>`)}</p>`)}</article>`;
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.quality{border-collapse:collapse}.quality th,.quality td{padding:.3em 1.2em .3em 0;text-align:left;font-weight:400}.quality .number{text-align:right}.quality thead th{color:var(--quiet)}
.features{display:grid;grid-template-columns:repeat(auto-fill,minmax(21rem,1fr));gap:.8rem}
.feature{border:1px solid var(--line);border-radius:6px;background:var(--card);padding:.5em .9em;overflow:hidden}.feature h3{margin:.1em 0;font-size:1rem}.feature h3 .quiet{font-weight:400;font-size:.85em}.feature p{margin:.25em 0;font-size:.88rem}
.place{white-space:pre;overflow-x:auto}.place span{background:color-mix(in oklab,var(--accent) calc(var(--share)*55%),transparent)}
`;
