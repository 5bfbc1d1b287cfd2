import type { AuditDocument } from '../../influence/audit/document.ts';
import { problemKinds } from '../../influence/audit/problems.ts';
import { type Html, html, verbatim } from '../html.ts';
import { pageShell } from '../shell.ts';
import type { PageData } from './page-rows.ts';
import { auditScript } from './script.ts';
import { auditStyle } from './style.ts';

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** The page of an audit: what is wrong with the data as a whole, and the review of its rows. */
export function renderAuditPage(document: AuditDocument, data: PageData): string {
  const { data: of, counts, rows } = document;
  const body = html`<div class="introduction">
<p>${document.redacted?.listed ?? rows.length} of ${of.rows} rows show a problem. ${sourceText(document)}</p>
${document.notes.map((note) => html`<p class="quiet">${note[0].toUpperCase()}${note.slice(1)}.</p>`)}
</div>
<table class="facts">
${Object.entries(counts).map(([kind, count]) => {
  const { title, advice } = problemKinds[kind as keyof typeof problemKinds];
  return count > 0 ? html`<tr><td class="number">${count}</td><th>${title}</th><td>${advice}</td></tr>` : html``;
})}
</table>
${wholeText(document)}
${selfTestText(document)}
${document.redacted ? sourceTable(document) : review(counts)}`;
  return pageShell({
    title: `What is wrong in ${of.name}?`,
    style: auditStyle,
    ...(!document.redacted && { script: auditScript, data: { ...data, kinds: problemKinds } }),
    body,
    footer: html`${document.command ? html`Made by <code>${verbatim(document.command)}</code>. ` : html``}This page holds everything it shows; nothing is loaded from elsewhere.`,
  });
}

/** The rows, to decide about. */
function review(counts: AuditDocument['counts']): Html {
  return html`<h2>Review</h2>
<div class="controls">
<label>Show <select id="kind"><option value="">all, the most severe first</option>${Object.entries(counts).map(([kind, count]) => (count > 0 ? html`<option value="${kind}">${problemKinds[kind as keyof typeof problemKinds].title} (${count})</option>` : html``))}</select></label>
<label>Your name <input id="who" autocomplete="name"></label>
<button id="save">Download decisions</button>
<span id="status" class="quiet" role="status"></span>
</div>
<p class="quiet">By keyboard: <kbd>↑</kbd> <kbd>↓</kbd> to move, <kbd>k</kbd> keep, <kbd>r</kbd> relabel as suggested, <kbd>d</kbd> drop, <kbd>u</kbd> undo. The file has a decision on each line (JSON Lines); decisions of several people can stand one behind the other.</p>
<div class="review">
<div class="list" role="listbox" aria-label="Rows with a problem" tabindex="0"><div></div></div>
<section class="detail" aria-live="polite"></section>
</div>`;
}

/** What remains where single rows are held back: how many of each source show a problem. */
function sourceTable({ sources = [], redacted }: AuditDocument): Html {
  const head = html`<p>The rows are held back: what is told of them are counts, of groups of at least ${redacted?.leastRows} rows.</p>`;
  if (sources.length === 0) return head;
  return html`${head}<h2>By source</h2><table class="facts">${sources.map(
    ({ column, value, rows, problems }) =>
      html`<tr><th>${column}: ${value === '' ? 'missing' : value}</th><td>${problems} of ${rows} rows show a problem, ${percent(problems / rows)}</td></tr>`,
  )}</table>`;
}

function sourceText({ predictions, spaces, settings }: AuditDocument): string {
  const judged = predictions
    ? `Labels are judged by the probabilities of ${predictions.from}${predictions.outOfSample ? ', which was not trained on them' : ''}${spaces.neighbours ? ` and by ${settings.neighbours} neighbours among the values of ${spaces.neighbours}` : ''}.`
    : 'Labels were not judged.';
  return `${judged} Near copies are closer than ${Math.fround(settings.nearDistance).toPrecision(3)}, ${settings.nearShare} of the median distance to the nearest row.`;
}

/** Problems of the data set as a whole, each list only where it has something to say. */
function wholeText({ dataSet, classes }: AuditDocument): Html {
  const { groups, undersampled, confused, leaks } = dataSet;
  const name = (k: number) => classes[k] ?? String(k);
  const sections: (Html | false)[] = [
    leaks.exact + leaks.near > 0 &&
      html`<h3>Held-out data</h3><p>${leaks.exact} of ${leaks.heldOut} held-out rows are in the training data as they are, ${leaks.near} nearly.</p>`,
    groups.length > 0 &&
      html`<h3>Groups with more suspect labels</h3><table class="facts">${groups.map(
        ({ column, value, rows, share, elsewhere, chance }) =>
          html`<tr><th>${column}: ${value === '' ? 'missing' : value}</th><td>${percent(share)} of ${rows} rows, elsewhere ${percent(elsewhere)}</td><td class="quiet">by chance: ${chance.toPrecision(1)}</td></tr>`,
      )}</table>`,
    undersampled.length > 0 &&
      html`<h3>Rarer in training than where the model is tried</h3><table class="facts">${undersampled
        .slice(0, 10)
        .map(
          ({ column, value, rows, heldOut, ratio, loss, meanLoss }) =>
            html`<tr><th>${column}: ${value === '' ? 'missing' : value}</th><td>${rows} training rows, ${heldOut} held-out ones: ${ratio.toFixed(2)} of its share</td><td class="quiet">${loss === undefined || meanLoss === undefined ? '' : `loss ${loss.toFixed(2)}, all ${meanLoss.toFixed(2)} nats`}</td></tr>`,
        )}</table>`,
    confused.length > 0 &&
      html`<h3>Classes that are taken for each other</h3><table class="facts">${confused
        .slice(0, 8)
        .map(
          ({ given, suggested, rows, share }) =>
            html`<tr><th>${name(given)} → ${name(suggested)}</th><td>${rows} rows, ${percent(share)} of the class</td></tr>`,
        )}</table>`,
  ];
  const told = sections.filter((section) => section !== false);
  return told.length > 0 ? html`<h2>The data set</h2>${told}` : html``;
}

/** How well errors that were planted in these very rows are found. */
function selfTestText({ selfTest }: AuditDocument): Html {
  if (!selfTest) return html``;
  const { retrained, share, kinds } = selfTest;
  const shown = (value: number | undefined) => (value === undefined ? '–' : percent(value));
  return html`<h2>How well this works here</h2>
<p class="quiet">${percent(share)} of the labels were made wrong; ${retrained ? 'the model was trained again on them' : 'the model was not trained on them, so that they are easier to find than real ones'}. Found in the first tenth of each order, with a 95 % interval over the planted errors.</p>
${kinds.map(
  ({ kind, planted, methods }) =>
    html`<h3>${planted} labels, ${kind === 'uniform' ? 'any other class' : 'the class that the model takes for most likely otherwise'}</h3><table class="facts">${methods.map(
      ({ method, found, overLoss }) =>
        html`<tr><th>${method}</th><td>${shown(found.mean)} [${shown(found.low)}, ${shown(found.high)}]</td><td class="quiet">${method === 'loss' ? '' : `less the loss: ${(100 * overLoss.mean).toFixed(0)} points [${(100 * (overLoss.low ?? overLoss.mean)).toFixed(0)}, ${(100 * (overLoss.high ?? overLoss.mean)).toFixed(0)}]`}</td></tr>`,
    )}</table>`,
)}`;
}
