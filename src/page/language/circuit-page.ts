import { packageVersion } from '../../explain/version.ts';
import type { CircuitDocument } from '../../language/circuit/circuit.ts';
import type { HeadEffect } from '../../language/circuit/unit-effects.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText, signedText } from '../number-text.ts';
import { pageShell } from '../shell.ts';
import { chartStyle, lineChart } from './line-chart.ts';

/** The page of a circuit: heads, neurons and edges, and how faithful circuits are alone. */
export function renderCircuitPage(document: CircuitDocument, command?: string): string {
  const { model, prompt, answer, against, corruption, clean, corrupted, heads, notes } = document;
  const looked =
    against === undefined
      ? html`the logit of <q>${answer}</q>`
      : html`the logit of <q>${answer}</q> less that of <q>${against}</q>`;
  const body = html`<div class="introduction"><p class="prompt">${prompt}</p><p>Looked at: ${looked} behind the prompt, in <b>${model.name}</b>: ${numberText(clean, 4)}. The run that it is compared with (${corruption}) gives ${numberText(corrupted, 4)}.</p></div>
<section><h2>Heads, one by one</h2>
<p class="quiet"><b>Noising</b>: the clean run with one head's corrupted values; 1 where that alone breaks the answer. <b>Denoising</b>: the corrupted run with one head's clean values; 1 where it alone restores it. A head that prepares what a later one reads is needed and restores nothing. <b>Ablated</b>: what is lost, in logits, where the head mixes its mean over the tokens. <b>Direct</b>: what it writes toward the logit itself.</p>
${headTable(heads)}</section>
${neuronSection(document)}
${edgeSection(document)}
${faithfulnessSection(document)}
<section><h2>Details</h2><ul class="notes">${[...notes, `slopes are means over ${document.steps} points between the two runs`].map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({
    title: 'Which parts make the answer?',
    style: `${style}${chartStyle}`,
    body,
    madeBy: packageVersion,
  });
}

/** A cell coloured by a share: of the accent where it is positive. */
const shareCell = (value: number): Html =>
  html`<td class="${value < 0 ? 'minus' : 'plus'}" style="--share:${Math.min(1, Math.abs(value)).toFixed(3)}">${Math.abs(value) < 0.005 ? '' : value.toFixed(2).replace('-', '−')}</td>`;

function headTable(heads: readonly HeadEffect[]): Html {
  const most = heads.reduce((size, { ablation }) => Math.max(size, Math.abs(ablation)), 0) || 1;
  return html`<div class="scroll"><table class="units"><thead><tr><th>head</th><th>noising</th><th>denoising</th><th>ablated</th><th>direct</th><th>looks</th></tr></thead><tbody>${heads.map(
    ({ name, noising, denoising, ablation, direct, pattern }) =>
      html`<tr><th scope="row">${name}</th>${shareCell(noising)}${shareCell(denoising)}<td class="${ablation < 0 ? 'minus' : 'plus'}" style="--share:${(Math.abs(ablation) / most).toFixed(3)}">${signedText(ablation, 3)}</td><td>${signedText(direct, 3)}</td><td class="looks">${looks(pattern)}</td></tr>`,
  )}</tbody></table></div>`;
}

const patternWords: Readonly<Record<keyof HeadEffect['pattern'], string>> = {
  previous: 'one back',
  itself: 'at itself',
  first: 'at the first token',
  same: 'at equal tokens',
  induction: 'behind equal tokens',
};

/** Where a head looks with a quarter of its weight or more, most first. */
function looks(pattern: HeadEffect['pattern']): string {
  const found = (Object.entries(pattern) as [keyof typeof patternWords, number | null][])
    .filter(([, share]) => (share ?? 0) >= 0.25)
    .sort((a, b) => (b[1] ?? 0) - (a[1] ?? 0));
  return found.map(([name, share]) => `${patternWords[name]} ${(share ?? 0).toFixed(2)}`).join(', ');
}

function neuronSection({ neurons }: CircuitDocument): Html | undefined {
  if (neurons.length === 0) return undefined;
  return html`<section><h2>The strongest neurons, one by one</h2><p class="quiet">Chosen by their <b>estimate</b>: gradient × difference of both runs, along the way between them.</p>
<div class="scroll"><table class="units"><thead><tr><th>neuron</th><th>noising</th><th>denoising</th><th>ablated</th><th>estimate</th></tr></thead><tbody>${neurons.map(
    ({ name, noising, denoising, ablation, estimate }) =>
      html`<tr><th scope="row">${name}</th>${shareCell(noising)}${shareCell(denoising)}<td>${signedText(ablation, 3)}</td><td>${signedText(estimate, 3)}</td></tr>`,
  )}</tbody></table></div></section>`;
}

/** Edges that the page shows; the document has more. */
const shownEdges = 30;

function edgeSection({ edges, edgeCount, together }: CircuitDocument): Html {
  const most = edges.reduce((size, { integrated }) => Math.max(size, Math.abs(integrated)), 0) || 1;
  const bar = (value: number) => {
    const width = (50 * Math.abs(value)) / most;
    return html`<span class="${value < 0 ? 'negative' : 'positive'}" style="left:${(value < 0 ? 50 - width : 50).toFixed(1)}%;width:${width.toFixed(1)}%"></span>`;
  };
  return html`<section><h2>Edges</h2><p class="quiet">Each part reads the sum of what all before it wrote; an edge is one term of that sum. Attribution patching with integrated gradients (EAP-IG): what the answer loses, to first order, where this edge alone carries the corrupted value. The ${Math.min(shownEdges, edges.length)} largest of ${edgeCount}.</p>
${together && html`<p>Ablated together, ${together.heads.join(', ')} cost ${signedText(together.lost, 3)}; all other heads together ${signedText(together.othersLost, 3)}.</p>`}
<table class="direct"><tbody>${edges.slice(0, shownEdges).map(({ name, integrated, plain }) => html`<tr title="by plain EAP ${signedText(plain, 3)}"><th scope="row">${name}</th><td class="track">${bar(integrated)}</td><td class="number">${signedText(integrated, 3)}</td></tr>`)}</tbody></table></section>`;
}

function faithfulnessSection({ faithfulness, enough, edgeCount }: CircuitDocument): Html {
  const line = (name: string, of: keyof typeof faithfulness, trivial = false) => ({
    name,
    trivial,
    points: faithfulness[of].map(({ share }, i) => [i, share] as const),
  });
  return html`<section><h2>Are the first edges enough?</h2><p>${enough === undefined ? html`No circuit that was tried does alone what the model does.` : html`The first <b>${enough}</b> of ${edgeCount} edges do alone what the model does (within a fifth).`}</p>
<p class="quiet">All other edges carry what the corrupted run writes. 0: as the corrupted run, 1: as the whole model; a circuit may also overshoot.</p>
${lineChart([line('EAP-IG', 'integrated'), line('EAP', 'plain'), line('random order', 'random', true)], { x: `edges: ${faithfulness.integrated.map(({ edges }) => edges).join(', ')}`, y: 'faithfulness' })}
<div class="scroll"><table class="units"><thead><tr><th>edges</th><th>EAP-IG</th><th>EAP</th><th>random</th></tr></thead><tbody>${faithfulness.integrated.map(
    ({ edges, share }, i) =>
      html`<tr><th scope="row">${edges}</th>${[share, faithfulness.plain[i].share, faithfulness.random[i].share].map((value) => html`<td>${value.toFixed(2).replace('-', '−')}</td>`)}</tr>`,
  )}</tbody></table></div></section>`;
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.prompt{font-size:1.15rem;white-space:pre-wrap}
.units{border-collapse:separate;border-spacing:2px;font-size:.88rem;margin:.6rem 0}
.units th{font-weight:400;text-align:left;color:var(--quiet);padding:.2em .7em;white-space:nowrap}.units thead th{text-align:center}
.units td{padding:.2em .7em;text-align:right;font-variant-numeric:tabular-nums;min-width:4rem;border-radius:3px;background:var(--track)}
.units td.plus{background:color-mix(in oklab,var(--positive) calc(var(--share)*72%),var(--track))}.units td.minus{background:color-mix(in oklab,var(--negative) calc(var(--share)*72%),var(--track))}
.units td.looks{text-align:left;color:var(--quiet);background:none;white-space:nowrap}
.direct{border-collapse:collapse;width:min(100%,52rem);font-size:.9rem}.direct th{font-weight:400;text-align:left;padding:.2em 1em .2em 0;white-space:nowrap}.direct .track{position:relative;width:50%;background:linear-gradient(var(--line),var(--line)) center/1px 100% no-repeat}.direct .track span{position:absolute;top:.25em;bottom:.25em;border-radius:2px}.direct .number{padding-left:1em;text-align:right;font-variant-numeric:tabular-nums}
`;
