import { packageVersion } from '../../explain/version.ts';
import type { Lens } from '../../language/where/lens.ts';
import type { PatchedGrid, SteeringResult, WhereDocument } from '../../language/where/where.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText, percentText, signedText } from '../number-text.ts';
import { pageShell } from '../shell.ts';

/** The page of where an answer is made: lens, direct attribution, patching and steering. */
export function renderWherePage(document: WhereDocument, command?: string): string {
  const { model, answer, against, tokens, lens, direct, patching, steering, notes } = document;
  const looked =
    against === undefined
      ? html`the logit of <q>${answer}</q>`
      : html`the logit of <q>${answer}</q> less that of <q>${against}</q>`;
  const body = html`<div class="introduction"><p>Looked at: ${looked} behind the last token of the prompt, in <b>${model.name}</b>.</p></div>
<section><h2>What it would say, had it ended here</h2>
<p class="quiet">The logit lens: the final norm and the table of words, applied to the stream behind each layer. The top row is what the model says. Darker: more probable. Each cell names the token, its probability, and how probable the token is that really follows.</p>
${lensTable(lens, tokens)}</section>
<section><h2>What each block wrote toward it</h2>
<p class="quiet">Direct logit attribution: what a block adds to the stream at the last token, along the direction that the logit is read from, with the scale of the final norm held. ${signedText(
    direct.parts.reduce((sum, { value }) => sum + value, 0),
    5,
  )} of all blocks and ${signedText(direct.constant, 3)} of biases make the logit, ${numberText(direct.logit, 5)}.</p>
${directTable(direct.parts)}</section>
${
  patching &&
  html`<section><h2>Which values carry it</h2><p class="quiet">Activation patching between the prompt and the one with ${patching.corruption}: one value of one token is exchanged at a time. Clean F = ${numberText(patching.grids[0].clean, 4)}, corrupted F = ${numberText(patching.grids[0].corrupted, 4)}. <b>Noising</b>: the clean run with one corrupted value; 1 where that value alone breaks the answer. <b>Denoising</b>: the corrupted run with one clean value; 1 where it alone restores it. They find different halves: a value is needed, or it suffices. What both texts share cannot be seen by this corruption.</p>
${patching.grids.map((grid) => patchedGrid(grid, tokens))}</section>`
}
${steering && steeringSection(steering)}
<section><h2>Details</h2><ul class="notes">${[...notes, `${(lens.bytes / 1024).toFixed(0)} KiB of values were fetched for the lens`].map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({ title: 'Where in the model?', style: whereStyle, body, madeBy: packageVersion });
}

const spoken = (token: string) => token.replace(/ /g, '·').replace(/\n/g, '↵') || '∅';

function lensTable({ layers, rows }: Lens, tokens: readonly string[]): Html {
  const head = html`<tr><th></th>${tokens.map((token) => html`<th scope="col">${spoken(token)}</th>`)}</tr>`;
  const lines = rows
    .map((_, i) => rows.length - 1 - i)
    .map(
      (r) =>
        html`<tr><th scope="row">${layers[r]}</th>${rows[r].map(({ token, probability, next }, i) => {
          const follows =
            next === null ? '' : `; what follows, ${spoken(tokens[i + 1] ?? '')}: ${percentText(Math.exp(next))}`;
          return html`<td class="${probability > 0.55 ? 'strong' : ''}" style="--share:${probability.toFixed(3)}" tabindex="0" title="${spoken(token)} ${percentText(probability)}${follows}">${spoken(token)}</td>`;
        })}</tr>`,
    );
  return html`<div class="scroll"><table class="grid lens"><thead>${head}</thead><tbody>${lines}</tbody></table></div>`;
}

function directTable(parts: WhereDocument['direct']['parts']): Html {
  const limit = parts.reduce((most, { value }) => Math.max(most, Math.abs(value)), 0) || 1;
  return html`<table class="direct"><tbody>${parts.map(({ name, value }) => {
    const width = (50 * Math.abs(value)) / limit;
    const left = value < 0 ? 50 - width : 50;
    return html`<tr><th scope="row">${name}</th><td class="track"><span class="${value < 0 ? 'negative' : 'positive'}" style="left:${left.toFixed(1)}%;width:${width.toFixed(1)}%"></span></td><td class="number">${signedText(value, 4)}</td></tr>`;
  })}</tbody></table>`;
}

function patchedGrid({ what, rows, noising, denoising }: PatchedGrid, tokens: readonly string[]): Html {
  const ways = { noising, denoising };
  return html`<h3>${what}</h3>${Object.entries(ways).map(([name, grid]) => effectTable(name, { rows, grid }, tokens))}`;
}

/** What exchanging each value does, layers upwards and tokens to the right. */
export function effectTable(
  name: string,
  { rows, grid }: { readonly rows: readonly string[]; readonly grid: readonly (readonly number[])[] },
  tokens: readonly string[],
): Html {
  return html`<div class="scroll"><table class="grid patched"><caption>${name}</caption><thead><tr><th></th>${tokens.map((token) => html`<th scope="col">${spoken(token)}</th>`)}</tr></thead><tbody>${rows
    .map((_, i) => rows.length - 1 - i)
    .map(
      (r) =>
        html`<tr><th scope="row">${rows[r]}</th>${grid[r].map((value) => html`<td class="${value < 0 ? 'minus' : 'plus'}" style="--share:${Math.min(1, Math.abs(value)).toFixed(3)}" tabindex="0" title="${signedText(value)}">${Math.abs(value) < 0.005 ? '' : value.toFixed(2).replace('-', '−')}</td>`)}</tr>`,
    )}</tbody></table></div>`;
}

function steeringSection({ toward, away, layer, length, streamLength, texts }: SteeringResult): Html {
  return html`<section><h2>What it writes when it is steered</h2><p class="quiet">At every token the stream behind layer ${layer} is moved by a multiple of the difference between the mean streams of two sets of texts (its length is ${numberText(length, 3)}; the stream's vectors there are ${numberText(streamLength, 3)} long). Toward: ${toward.map((text) => html`<q>${text}</q> `)}Away from: ${away.map((text) => html`<q>${text}</q> `)}</p>
<div class="scroll"><table class="methods"><thead><tr><th class="number">times</th><th>what it writes</th></tr></thead><tbody>${texts.map(({ strength, text }) => html`<tr class="${strength === 0 ? 'chosen' : ''}"><td class="number">${signedText(strength)}</td><th scope="row" class="written">${text}</th></tr>`)}</tbody></table></div></section>`;
}

/** What the page of where an answer is made adds to the style of all pages. */
export const whereStyle = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.grid{border-collapse:separate;border-spacing:2px;font-size:.78rem;margin:.4rem 0 1rem}.grid caption{text-align:left;color:var(--quiet);padding:.2rem 0}
.grid th{font-weight:400;color:var(--quiet);white-space:nowrap;padding:.15em .5em;text-align:left}.grid thead th{text-align:center}.grid tbody th{position:sticky;left:0;background:var(--paper)}
.grid td{padding:.25em .5em;text-align:center;white-space:nowrap;border-radius:3px;min-width:2.6rem;height:1.9em;font-variant-numeric:tabular-nums}
.grid td:hover,.grid td:focus-visible{outline:2px solid var(--accent)}
.lens td{background:color-mix(in oklab,#6b4fb3 calc(var(--share)*80%),var(--track))}.lens td.strong{color:#fff}
.patched td{background:var(--track)}.patched td.plus{background:color-mix(in oklab,var(--positive) calc(var(--share)*72%),var(--track))}.patched td.minus{background:color-mix(in oklab,var(--negative) calc(var(--share)*72%),var(--track))}
.direct{border-collapse:collapse;width:min(100%,46rem);font-size:.9rem}.direct th{font-weight:400;text-align:left;padding:.2em 1em .2em 0;white-space:nowrap}.direct .track{position:relative;width:60%;background:linear-gradient(var(--line),var(--line)) center/1px 100% no-repeat}.direct .track span{position:absolute;top:.25em;bottom:.25em;border-radius:2px}.direct .number{padding-left:1em}
.methods{border-collapse:collapse;font-size:.95rem;margin:.5rem 0}.methods td,.methods th{padding:.45em 1.3em .45em 0;text-align:left;border-bottom:1px solid var(--line);font-weight:400;vertical-align:top}.methods .number{text-align:right}.written{white-space:pre-wrap;max-width:44rem}.chosen .written{font-weight:600}
`;
