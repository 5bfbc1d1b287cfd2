import { type Html, html, verbatim } from '../../page/html.ts';
import { numberText, percentText } from '../../page/number-text.ts';
import { pageShell } from '../../page/shell.ts';
import { fileOfShard } from '../../run/compute.ts';
import type { Overview } from './overview.ts';
import type { ResultRow } from './result-row.ts';
import { manyScript } from './script.ts';
import { cellSide } from './sheet.ts';

/** What a page says besides its rows. */
export interface ManyPage {
  readonly command: string;
  /** The command that explains one of the inputs alone, in detail; `INPUT` stands for it. */
  readonly detail: string;
  readonly model: { readonly name: string };
  readonly files: { readonly sheet: string };
  readonly leftOut: readonly string[];
  readonly wherefore: string;
  readonly cost: { readonly forward: number; readonly backward: number; readonly seconds: number };
}

/** Columns of the page's data; texts that repeat are told by their index in a list. */
const texts = ['predicted', 'target', 'method', 'layer', 'baseline', 'grade', 'warnings'] as const;
const numbers = ['predictedValue', 'value', 'difference', 'sum', 'relativeError', 'score:msi-tolerant'] as const;

/**
 * The page of a run of many explanations: what they say together, and then all of them, a screenful at a time, with
 * filters. Rows stand in the page; their maps are loaded from the files of the run when they are shown.
 */
export function renderMany(
  rows: readonly { readonly row: ResultRow; readonly shard: number }[],
  overview: Overview,
  page: ManyPage,
): string {
  const title = `Why ${page.model.name.replace(/\.onnx$/, '')} says what it says of ${overview.inputs.toLocaleString('en')} inputs`;
  const body = html`${renderOverview(overview, page)}
<section aria-labelledby="rows">
<h2 id="rows">All explanations</h2>
<form class="filters" hidden></form>
<p class="quiet count" role="status"></p>
<noscript><p>Without scripts the rows cannot be shown here. They are in <code>shards/*.parquet</code>.</p></noscript>
<ol class="rows"></ol>
<nav class="pages" aria-label="Pages of explanations" hidden><button type="button" data-step="-1">Before</button> <span></span> <button type="button" data-step="1">Next</button></nav>
</section>`;
  return pageShell({
    title,
    style,
    script: manyScript,
    data: { ...dataOf(rows, page), detail: page.detail, side: cellSide },
    images: true,
    controls: html`<div class="controls" hidden><button type="button" data-theme-toggle aria-pressed="false">Dark</button></div>`,
    skip: html`<a class="skip" href="#rows">Skip to the explanations</a>`,
    body,
    footer: html`Made by Wherefore ${page.wherefore}. Maps are loaded from the folder of this page; nothing comes from elsewhere.`,
  });
}

function dataOf(rows: readonly { readonly row: ResultRow; readonly shard: number }[], { files }: ManyPage) {
  const lists = Object.fromEntries(texts.map((name) => [name, new Map<string, number>()]));
  const indexOf = (name: string, text: unknown) => {
    if (typeof text !== 'string') return -1;
    const list = lists[name];
    const index = list.get(text) ?? list.size;
    list.set(text, index);
    return index;
  };
  const short = (value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(5)) : null);
  const packed = rows.map(({ row, shard }) => [
    row.item,
    row.source,
    row.cell === undefined ? 0 : fileOfShard(shard, files.sheet),
    row.cell ?? 0,
    row.failure ?? row.strongest ?? 0,
    ...texts.map((name) =>
      name === 'grade' && row.failure !== undefined ? indexOf(name, 'failed') : indexOf(name, row[name]),
    ),
    ...numbers.map((name) => short(row[name])),
  ]);
  const named = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, [...list.keys()]]));
  return { columns: ['item', 'source', 'sheet', 'cell', 'told', ...texts, ...numbers], texts: named, rows: packed };
}

function renderOverview(overview: Overview, { command, cost, leftOut }: ManyPage): Html {
  const { explanations, failed, classes, grades, errors, notConverged } = overview;
  const n = (value: number) => value.toLocaleString('en');
  const facts: (string | false)[] = [
    `${n(explanations)} explanations, by ${n(cost.forward)} forward and ${n(cost.backward)} backward passes.`,
    failed > 0 && `Could not be explained: ${n(failed)}; the rows say why.`,
    grades.good + grades.poor > 0 &&
      `Attributions that add up to the difference (E ≤ 1 %): ${n(grades.good)}; do not: ${n(grades.poor)}.`,
    errors !== undefined &&
      `Relative attribution error: half are at most ${percentText(errors[0])}, nine tenths at most ${percentText(errors[1])}, the largest is ${percentText(errors[2])}.`,
    notConverged > 0 && `Not converged: ${n(notConverged)}.`,
    ...leftOut.map((text) => `Left out at ${text}.`),
  ];
  const shown = classes.slice(0, 20);
  const rest = classes.length - shown.length;
  const most = Math.max(1, shown[0]?.inputs ?? 1);
  return html`<div class="introduction"><ul class="facts">${facts.filter((fact) => fact !== false).map((fact) => html`<li>${fact}</li>`)}</ul>
${
  shown.length > 0 &&
  html`<table class="prediction"><caption>What the model said first${rest > 0 && `, the 20 most frequent of ${classes.length}`}</caption>
<thead><tr><th scope="col">output</th><th scope="col" class="number">inputs</th><th scope="col"><span class="unseen">share</span></th><th scope="col" class="number">median E / |T|</th></tr></thead>
<tbody>${shown.map(({ name, inputs, error }) => html`<tr><th scope="row">${name}</th><td class="number">${n(inputs)}</td><td class="bar"><span style="width:${numberText((100 * inputs) / most)}%"></span></td><td class="number">${error === undefined ? '–' : percentText(error)}</td></tr>`)}</tbody></table>`
}
<p class="quiet">Made by <code>${verbatim(command)}</code>. Rows: <code>shards/*.parquet</code>; attributions: <code>shards/*.safetensors</code>, under input/part/name.</p></div>`;
}

const style = `
.facts{padding-left:1.1em}
.filters{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:end;margin:0 0 .6rem}
.filters[hidden],.pages[hidden]{display:none}
.filters label{display:grid;font-size:.8rem;color:var(--quiet)}
.filters select,.filters input{font:inherit;font-size:.9rem;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.25em .5em;min-height:2rem;max-width:16rem}
.rows{list-style:none;padding:0;margin:0;display:grid;gap:.5rem}
.rows li{display:grid;grid-template-columns:auto minmax(0,1fr);gap:1rem;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.6rem}
.rows .map{width:${2 * cellSide}px;height:${cellSide}px;background-repeat:no-repeat;border-radius:4px}
.rows p{margin:0 0 .2em}.rows details{margin-top:.2em;font-size:.84rem}
.rows .grade{font-size:.8rem}.grade.failed{color:var(--poor)}
.pages{display:flex;gap:1rem;align-items:center;margin:1rem 0}
@media (max-width:560px){.rows li{grid-template-columns:minmax(0,1fr)}}
`;
