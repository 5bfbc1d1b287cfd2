import type { InfluenceDocument, InfluenceList, InfluentialRow, RowQuery } from '../../influence/influence-document.ts';
import { wordsOf } from '../../influence/methods/bm25.ts';
import type { Redacted } from '../../influence/redacted.ts';
import type { MeasuredQuery } from '../../influence/slices/measured-query.ts';
import { isMeasured, textOfF, unitOfF } from '../../influence/text-of-f.ts';
import type { RowView, RowViews } from '../audit/row-view.ts';
import { type Html, html, verbatim } from '../html.ts';
import { signedText } from '../number-text.ts';
import { rowImage } from '../row-shown.ts';
import { pageShell } from '../shell.ts';
import { kindsSection, kindsStyle } from './kinds-section.ts';
import { measuredSection } from './measured-section.ts';
import { commonLimit, type RowMaps, rowMapImage } from './row-map.ts';
import { whatIfSection, whatIfStyle } from './what-if.ts';

const style = `
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(16.5rem,1fr));gap:1rem;margin:.6rem 0 1.6rem;padding:0;list-style:none}
.cards.wide{grid-template-columns:1fr}
.cards li{border:1px solid var(--line);border-radius:6px;background:var(--card);padding:.7rem;font-size:.86rem}
.cards img,.query img{width:112px;height:112px;object-fit:contain;image-rendering:pixelated;background:#000;border-radius:4px;margin-bottom:.4rem}
.score{font-variant-numeric:tabular-nums;font-weight:600}.helps .score{color:var(--good)}.harms .score{color:var(--poor)}
.chip{border:1px solid var(--line);border-radius:1em;padding:0 .6em;font-size:.78rem}.chip.stable{border-color:var(--good);color:var(--good)}.chip.noise{color:var(--quiet)}
.pair:has(img){display:flex;flex:none;gap:.5rem}.query{display:flex;gap:1.4rem;align-items:flex-start;margin:1rem 0 2rem}
.facts{border-collapse:collapse;margin:.5rem 0 1.4rem}.facts td,.facts th{padding:.25em 1.2em .25em 0;text-align:left;vertical-align:top}.number{text-align:right!important;font-variant-numeric:tabular-nums}
.differs{background:var(--warn-ground);color:var(--warn-ink)}
.same,.toggle:checked~.all{display:none}.toggle:checked~.same{display:block}
`;

interface Views {
  readonly rows: RowViews;
  readonly query: RowViews;
  /** For images: what the model looks at in the query and in rows. */
  readonly maps?: RowMaps;
  /** How the maps were made. */
  readonly mapMethod?: string;
}

/** The page of one query: what the model said, or measures in slices, the rows that help and harm, the nearest rows beside, groups. */
export async function renderInfluencePage(document: InfluenceDocument, views: Views): Promise<string> {
  const { query, method, classes, notes, data, models, sameClass } = document;
  const ofRow = isMeasured(query) ? undefined : query;
  const [seen] = ofRow ? await views.query([0]) : [undefined];
  const shown = await shownRows(document, views.rows);
  const name = (k: number | undefined) => (k === undefined ? '' : (classes[k] ?? String(k)));
  const { maps, mapMethod } = views;
  const limit = maps ? commonLimit(maps) : 0;
  const mapOf = (row: number) => {
    const map = maps?.rows.get(row);
    return map ? rowMapImage(map, limit) : html``;
  };
  const cards = (rows: readonly InfluentialRow[], kind: string) => cardsHtml(rows, { kind, seen, shown, name, mapOf });
  const f = textOfF(document);
  const aim = isMeasured(query) && query.kind === 'gap' ? 'the gap is narrower' : `the ${f} is higher`;
  const lists = async ({ proponents, opponents }: InfluenceList) => html`
<h2>Proponents</h2><p class="quiet">With them ${aim}. ${method.sign[0].toUpperCase()}${method.sign.slice(1)}.</p>${await cards(proponents, 'helps')}
<h2>Opponents</h2><p class="quiet">Without them ${aim}.</p>${await cards(opponents, 'harms')}`;
  const classOfF = ofRow?.target ?? (query as MeasuredQuery).class;
  const byClass = async (
    same: InfluenceList,
  ) => html`<input type="checkbox" class="toggle" id="same"> <label for="same">Only rows labelled ${name(classOfF)}</label>
<div class="all">${await lists(document.all)}</div>
<div class="same">${await lists(same)}</div>`;
  const rowLists = async () => html`${sameClass ? await byClass(sameClass) : await lists(document.all)}
<h2>Nearest rows</h2><p class="quiet">By representation alone, for comparison: whoever only looks alike is here, too.${isMeasured(query) ? ` Near to the rows where ${query.slices[0].filter}.` : ''}</p>
${await cards(document.nearest, '')}
${document.sameWords ? html`<h2>Most words in common</h2><p class="quiet">By BM25, without the model.</p>${await cards(document.sameWords, '')}` : html``}`;
  // Of many rows groups come first: no single row is behind them.
  const causes = html`${whatIfSection(document)}${groupTable(document)}${await kindsSection(document, cards)}`;
  const body = html`<div class="query">${seen ? html`<div class="pair">${await viewOf(seen, undefined)}${maps ? rowMapImage(maps.query, limit) : html``}</div>` : html``}<div>
${isMeasured(query) ? measuredSection(query, classes) : saidOf(query, name)}
<p>Scored: the ${f}, by ${method.title} over ${data.rows} rows of ${data.name}. It answers for ${method.question}. Unit: ${method.unit}.</p>
<p>${models > 1 ? `${models} models of other seeds were asked: a row is stable where they agree on its sign.` : html`<span class="chip noise">reliability not known</span> Give models of other seeds (<code>--seeds</code>) to tell rows from noise.`}</p>
${document.likeSimilarity === undefined ? html`` : html`<p class="quiet">The order of all rows agrees with similarity alone by ${document.likeSimilarity.toFixed(2)} (Spearman).</p>`}
${maps ? html`<p class="quiet">The maps say what of each image raises ${name(classOfF)} (red) and lowers it (blue), by ${mapMethod ?? ''}; one scale for all: full colour is ${Number(limit.toPrecision(2))} nats a pixel.</p>` : html``}
</div></div>
${ofRow ? html`` : causes}
${document.redacted ? heldBack(document.redacted) : await rowLists()}
${ofRow ? causes : html``}
<h2>Notes</h2>
${notes.map((note) => html`<p class="quiet">${note[0].toUpperCase()}${note.slice(1)}.</p>`)}
<p class="quiet">${method.source}</p>`;
  return pageShell({
    title: 'Which training rows are behind this?',
    style: `${style}${whatIfStyle}${kindsStyle}`,
    body,
    footer: html`${document.command ? html`Made by <code>${verbatim(document.command)}</code>. ` : html``}This page holds everything it shows; nothing is loaded from elsewhere.`,
  });
}

const saidOf = ({ predicted, probability, from, label }: RowQuery, name: (k: number) => string): Html =>
  html`<p>The model says <strong>${name(predicted)}</strong> (${percent(probability)}) of ${from}${label === undefined ? '' : `, labelled ${name(label)}`}.</p>`;

async function shownRows(
  { all, sameClass, nearest, sameWords = [], kinds = [] }: InfluenceDocument,
  views: RowViews,
): Promise<Map<number, RowView>> {
  const rows = [
    ...new Set(
      [all, ...(sameClass ? [sameClass] : [])]
        .flatMap((list) => [...list.proponents, ...list.opponents])
        .concat(
          nearest,
          sameWords,
          kinds.flatMap(({ rows }) => rows),
        )
        .map(({ row }) => row),
    ),
  ];
  const seen = await views(rows);
  return new Map(rows.map((row, i) => [row, seen[i]]));
}

interface Cards {
  /** `helps`, `harms`, or nothing. */
  readonly kind: string;
  /** The query; absent where it is many rows. */
  readonly seen?: RowView;
  readonly shown: ReadonlyMap<number, RowView>;
  readonly name: (label: number | undefined) => string;
  readonly mapOf: (row: number) => Html;
}

async function cardsHtml(rows: readonly InfluentialRow[], { kind, seen, shown, name, mapOf }: Cards): Promise<Html> {
  if (rows.length === 0) return html`<p class="quiet">None.</p>`;
  const cards: Html[] = [];
  for (const one of rows) {
    const view = shown.get(one.row);
    const chip = one.reliability ? html` <span class="chip ${one.reliability}">${one.reliability}</span>` : html``;
    const facts = [
      one.from,
      ...(one.similarity === undefined ? [] : [`similarity ${one.similarity.toFixed(2)}`]),
      ...(one.loss === undefined ? [] : [`loss ${one.loss.toFixed(2)}`]),
    ];
    cards.push(html`<li><div class="pair">${view ? await viewOf(view, seen) : html``}${mapOf(one.row)}</div>
<div><span class="score">${signedText(one.score)}</span>${chip}</div><div>${name(one.label)}</div><div class="quiet">${facts.join(', ')}</div></li>`);
  }
  const isWide = seen ? seen.kind !== 'image' : [...shown.values()].some(({ kind: own }) => own === 'text');
  return html`<ul class="cards ${kind}${isWide ? ' wide' : ''}">${cards}</ul>`;
}

/** A row as it is; what it has and the query has not is marked. */
async function viewOf(view: RowView, query: RowView | undefined): Promise<Html> {
  if (view.kind === 'image') return rowImage(view);
  if (view.kind === 'text') {
    const known = query?.kind === 'text' ? new Set(wordsOf(query.text)) : undefined;
    return html`<p>${view.text.split(/([\p{L}\p{N}]+)/u).map((part) => {
      const differs = known && wordsOf(part).some((word) => !known.has(word));
      return differs ? html`<span class="differs">${part}</span>` : part;
    })}</p>`;
  }
  const values = view.values.map(String);
  const columns = view.kind === 'table' ? view.columns : values.map((_, j) => String(j));
  const beside = query && query.kind === view.kind ? query.values.map(String) : undefined;
  return html`<table class="facts">${columns.map(
    (column, j) =>
      html`<tr class="${beside && beside[j] !== values[j] ? 'differs' : ''}"><th>${column}</th><td>${values[j]}</td>${beside ? html`<td class="quiet">${beside[j]}</td>` : html``}</tr>`,
  )}</table>`;
}

const heldBack = ({ leastRows }: Redacted): Html =>
  html`<p>The training rows are held back: what is told of them are sums over groups of at least ${leastRows} rows.</p>`;

/** Groups that a table shows. */
const shownGroups = 12;

function groupTable(document: InfluenceDocument): Html {
  const { groups, method } = document;
  if (groups.length === 0) return html``;
  const stepped = groups.slice(0, shownGroups).some(({ newton }) => newton !== undefined);
  const warned = groups.slice(0, shownGroups).some(({ understated }) => understated);
  return html`<h2>Groups</h2>
<div class="scroll"><table class="facts"><tr><th>group</th><th class="number">sum of scores, ${method.unit}</th>${stepped ? html`<th class="number">one Newton step, ${unitOfF(document)}</th>` : html``}<th class="number">rows</th></tr>${groups
    .slice(0, shownGroups)
    .map(
      ({ column, value, rows, score, understated, newton }) =>
        html`<tr><th>${column}: ${value === '' ? 'missing' : value}</th><td class="number">${signedText(score)}${understated ? '*' : ''}</td>${stepped ? html`<td class="number">${newton === undefined ? '' : signedText(newton)}</td>` : html``}<td class="number">${rows}</td></tr>`,
    )}</table></div>
${warned ? html`<p class="quiet">* More than 5 % of the rows: they stand in for each other, and the sum says too little of the group. ${stepped ? html`` : html`For a model at its optimum a Newton step (<code>--newton</code>) says more. `}To know, retrain without it (<code>wherefore retrain --each-group</code>).</p>` : html``}`;
}

const percent = (share: number) => `${(100 * share).toFixed(share > 0.99 || share < 0.1 ? 1 : 0)} %`;
