import { effectText, meanText } from '../../influence/retraining/judge-experiment.ts';
import type { MeasuredQuantity, RetrainDocument } from '../../influence/retraining/retrain-document.ts';
import type { RowView, RowViews } from '../audit/row-view.ts';
import { type Html, html, verbatim } from '../html.ts';
import { rowImage, rowText } from '../row-shown.ts';
import { pageShell } from '../shell.ts';
import { dotPlot, intervalPlot, plotStyle } from './dot-plot.ts';

const style = `
.answer{font-size:1.25rem;max-width:46rem}
.verdict{display:inline-block;border-radius:1em;border:2px solid currentColor;padding:.1em .9em;font-weight:600;margin-bottom:.8rem}
.helps{color:var(--good)}.harms,.less-harm{color:var(--poor)}
${plotStyle}
.table{border-collapse:collapse;margin:.5rem 0 1.6rem;width:auto}.table td,.table th{padding:.25em 1.4em .25em 0;text-align:left}.table .number{text-align:right;font-variant-numeric:tabular-nums;padding-right:1.4em}
.rows{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.8rem;list-style:none;padding:0;margin:.6rem 0 1.6rem}
.rows.wide{grid-template-columns:1fr}
.rows li{border:1px solid var(--line);border-radius:6px;background:var(--card);padding:.6rem;font-size:.82rem}
.rows img{width:96px;height:96px;object-fit:contain;image-rendering:pixelated;background:#000;border-radius:4px;margin-bottom:.3rem}
.chip{border:1px solid var(--line);border-radius:1em;padding:0 .6em;font-size:.78rem}.chip.stable{border-color:var(--good);color:var(--good)}
`;

const verdicts = {
  helps: 'It helps',
  harms: 'It harms',
  'like-random': 'No more than random rows',
  'less-harm': 'It harms, less than random rows',
  'less-help': 'It helps, less than random rows',
  'no-effect': 'No measurable effect',
} as const;

/** Rows that the page shows. */
const shown = 24;

/** The page of a retraining: the answer, every seed, what it means for each class, and the rows that were changed. */
export async function renderRetrainPage(document: RetrainDocument, views: RowViews): Promise<string> {
  const { answer, measured, notes, leftOut, groups, model } = document;
  const body = html`
${measured.length > 0 ? html`<p><span class="verdict ${measured[0].verdict}">${verdicts[measured[0].verdict]}</span></p>` : html``}
<p class="answer">${answer}</p>
<p class="quiet">${trainedText(document)}</p>
${measured.map((one) => html`<h2>${one.title[0].toUpperCase()}${one.title.slice(1)}</h2><div class="plot">${dotPlot(one)}<p class="quiet">Change against the training on the rows as they are, ${one.unit || 'in its own unit'}; right is better. Dots: seeds. Bars: mean and 95 % interval.</p></div>`)}
${measured.length > 0 ? numbers(measured) : html``}
${classTable(document)}
${groupTable(document)}
${leftOut.length > 0 ? await leftOutList(document, views) : await changedList(document, views)}
<h2>Notes</h2>
<p class="quiet">Trainings of one seed start from the same weights and read the rows in the same order. The model in hand takes no part: it was chosen by the very result that is asked about, so the training on all rows was made again as well.</p>
${model === undefined ? html`` : html`<p class="quiet">The model that the change made, of the first seed, lies beside this page: <code>${model}</code>.</p>`}
${notes.map((note) => html`<p class="quiet">${note[0].toUpperCase()}${note.slice(1)}.</p>`)}`;
  return pageShell({
    title: groups
      ? 'What does each group do?'
      : leftOut.length > 0
        ? 'What does each row do?'
        : 'Does the change help?',
    style,
    body,
    footer: html`${document.command ? html`Made by <code>${verbatim(document.command)}</code>. ` : html``}This page holds everything it shows; nothing is loaded from elsewhere.`,
  });
}

function trainedText({ trainings, seeds, recipe, measuredOn, data, change }: RetrainDocument): string {
  const how =
    recipe.kind === 'manifest'
      ? `${recipe.epochs} epochs, ${recipe.optimizer}, ${recipe.loss}`
      : `by ${recipe.train}${recipe.evaluate ? `, measured by ${recipe.evaluate}` : ''}`;
  const on = measuredOn
    ? ` Measured on ${measuredOn.rows} rows ${measuredOn.fromTraining ? 'of the training data that no training used' : `of ${measuredOn.name}`}.`
    : '';
  const random = change
    ? ` The random rows are as many as were changed${change.sameClasses ? ', of the same classes' : ''}, and others in each training.`
    : '';
  return `${trainings} trainings on ${data.name} (${data.rows} rows), ${seeds.length} seeds: ${how}.${on}${random}`;
}

function numbers(measured: readonly MeasuredQuantity[]): Html {
  return html`<div class="scroll"><table class="table"><tr><th></th><th class="number">as it is</th><th class="number">changed</th><th class="number">random rows left out</th><th>change</th><th>change less random</th></tr>${measured.map(
    ({ title, unit, values, effect, beyond }) =>
      html`<tr><th>${title}${unit && `, ${unit}`}</th><td class="number">${meanText(values.with)}</td><td class="number">${meanText(values.changed)}</td><td class="number">${meanText(values.control)}</td><td>${effectText(effect, '')}</td><td>${effectText(beyond, '')}</td></tr>`,
  )}</table></div>`;
}

function classTable({ classes, measured }: RetrainDocument): Html {
  if (classes.length < 2) return html``;
  const sorted = [...classes].sort((a, b) => b.effect.mean - a.effect.mean);
  return html`<h2>By class</h2><p class="quiet">${measured[0].title} of the measured rows; the intervals hold for all classes together.</p><div class="scroll"><table class="table">${sorted.map(
    ({ class: name, rows, effect }) =>
      html`<tr><th>${name}</th><td class="number">${effectText(effect, measured[0].unit)}</td><td class="quiet">${rows} rows</td></tr>`,
  )}</table></div>`;
}

function groupTable({ groups }: RetrainDocument): Html {
  if (!groups) return html``;
  const { column, title, unit, how, effects } = groups;
  const what =
    how === 'shapley'
      ? 'Exact Shapley values: what a group adds, the mean over every order in which groups could have come.'
      : 'With all rows, less without the group.';
  return html`<h2>Groups by ${column}</h2><p class="quiet">${title[0].toUpperCase()}${title.slice(1)}${unit && `, ${unit}`}. ${what} Right of 0: the group helps.</p><div class="plot">${intervalPlot(
    effects.map(({ value, effect }) => ({ name: value === '' ? 'missing' : value, estimate: effect })),
    `effect of each group, ${unit}`,
  )}</div><div class="scroll"><table class="table"><tr><th>group</th><th>effect</th><th></th></tr>${effects.map(
    ({ value, rows, effect }) =>
      html`<tr><th>${value === '' ? 'missing' : value}</th><td class="number">${effectText(effect, '')}</td><td class="quiet">${rows} rows</td></tr>`,
  )}</table></div>`;
}

async function changedList({ change, redacted }: RetrainDocument, views: RowViews): Promise<Html> {
  if (!change) return html``;
  if (redacted) return html`<p class="quiet">The changed rows are held back.</p>`;
  const rows = change.rows.slice(0, shown);
  const seen = await views(rows.map(({ row }) => row));
  const total = change.dropped + change.relabelled;
  return html`<h2>Changed rows</h2><p class="quiet">${total > rows.length ? `${rows.length} of ` : ''}${total}: ${change.relabelled} with a new label, ${change.dropped} left out.</p>${rowList(
    rows.map((row, i) => ({
      view: seen[i],
      text:
        row.newLabel === undefined
          ? html`${row.label}, left out`
          : html`${row.label} → <strong>${row.newLabel}</strong>`,
      from: row.from,
    })),
  )}`;
}

async function leftOutList({ leftOut }: RetrainDocument, views: RowViews): Promise<Html> {
  const list = async (rows: RetrainDocument['leftOut']) => {
    const seen = await views(rows.map(({ row }) => row));
    return rowList(
      rows.map(({ effect, reliability, label, from }, i) => ({
        view: seen[i],
        text: html`<strong>${effectText(effect, '')}</strong>${reliability ? html` <span class="chip ${reliability}">${reliability}</span>` : html``} ${label ?? ''}`,
        from,
      })),
    );
  };
  const harmful = leftOut.filter(({ effect }) => effect.mean < 0).slice(0, shown);
  const helpful = leftOut
    .filter(({ effect }) => effect.mean > 0)
    .slice(-shown)
    .reverse();
  return html`<h2>Rows that harm</h2>${await list(harmful)}<h2>Rows that help</h2>${await list(helpful)}`;
}

interface Item {
  readonly view: RowView;
  readonly text: Html;
  readonly from: string;
}

function rowList(items: readonly Item[]): Html {
  if (items.length === 0) return html`<p class="quiet">None.</p>`;
  const isImage = items[0].view.kind === 'image';
  return html`<ul class="rows${isImage ? '' : ' wide'}">${items.map(
    ({ view, text, from }) =>
      html`<li>${view.kind === 'image' ? rowImage(view) : html`<p>${rowText(view)}</p>`}<div>${text}</div><div class="quiet">${from}</div></li>`,
  )}</ul>`;
}
