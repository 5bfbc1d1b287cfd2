import type { ExplanationDocument } from '../../explain/document.ts';
import type { Explained } from '../../explain/explained.ts';
import type { ScorecardDocument } from '../../explain/scorecard-document.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { type Html, html } from '../html.ts';
import { numberText, percentText } from '../number-text.ts';

type Entry = ScorecardDocument['entries'][number];

/** What each score asks, in words that need no formula. */
const questions: Readonly<Record<string, string>> = {
  'attribution-error': 'how far the map is from adding up to T',
  'msi-literal': 'does the mask suffice, is it needed, is it small?',
  'msi-tolerant': 'the same where one of several reasons is enough',
  sufficiency: 'confidence lost with only the top features left',
  comprehensiveness: 'confidence lost with the top features gone',
  insertion: 'confidence as features come in, top first',
  deletion: 'confidence left as features go, top first',
};

/** The scorecard as a table for an explanation's card: score, interval, which way is better. */
export async function renderScorecard(scorecard: ScorecardDocument, open = true): Promise<Html> {
  // All metrics come along: pages without scores do without.
  const { metrics } = await import('../../evaluation/metrics/index.ts');
  const { entries, warning, notes, cost } = scorecard;
  const row = (entry: Entry) =>
    html`<tr><th scope="row">${entry.title} ${arrow(entry)}${questions[entry.metric] && html`<span class="aside">${questions[entry.metric]}</span>`}</th>
<td class="number"><b>${scoreText(entry)}</b>${gauge(entry, metrics[entry.metric]?.range)}<span class="aside">${intervalText(entry)}</span></td></tr>`;
  return html`<details class="scorecard"${open && html` open`}><summary>Scorecard</summary>
${warning !== null && html`<ul class="chips"><li>${warning}</li></ul>`}
<table><caption>${meaning(scorecard)}</caption>
<thead class="unseen"><tr><th scope="col">score</th><th scope="col">value</th></tr></thead>
<tbody>${entries.map(row)}</tbody></table>
${notes.length > 0 && html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
<p class="quiet">${cost.forward.toLocaleString('en')} forward passes, ${numberText(cost.seconds, 2)} s.</p></details>`;
}

/** What the numbers stand for: the reference, and what the intervals are over. */
function meaning({ reference, references }: ScorecardDocument): string {
  const over =
    references.length > 1
      ? `ranges are over ${references.join(', ')}`
      : 'no range: no other reference hides what is explained';
  return `↑ higher is better, ↓ lower; removed features are replaced by: ${reference}; ${over}`;
}

function arrow({ direction }: Pick<Entry, 'direction'>): Html {
  return direction === 'higher'
    ? html`<span class="quiet" aria-label="higher is better">↑</span>`
    : html`<span class="quiet" aria-label="lower is better">↓</span>`;
}

/** An error as a share of T, other scores with as many digits as one another. */
function scoreText({ metric, score }: Entry): string {
  return metric === 'attribution-error' ? percentText(score) : fixedText(score, 3);
}

function fixedText(score: number, digits: number): string {
  return Math.abs(score) < 1000
    ? score
        .toFixed(digits)
        .replace(/^-(?=.*[1-9])/, '−')
        .replace(/^-/, '')
    : numberText(score, digits);
}

function intervalText({ low, high }: Entry): string {
  return low < high ? `${fixedText(low, 2)} to ${fixedText(high, 2)}` : '';
}

/** Where a score lies between the worst (left) and the best (right); a score without a worst has no gauge. */
function gauge(
  { direction, score, low, high }: Entry,
  [least, most]: readonly [number, number] = [Number.NaN, Number.NaN],
): Html | undefined {
  if (!Number.isFinite(least) || !Number.isFinite(most)) return undefined;
  const place = (value: number) => {
    const share = Math.min(1, Math.max(0, (value - least) / (most - least)));
    return 100 * (direction === 'higher' ? share : 1 - share);
  };
  const [from, to] = [place(low), place(high)].sort((a, b) => a - b);
  return html`<span class="gauge-track" aria-hidden="true"><span class="spread" style="left:${from.toFixed(1)}%;width:${(to - from).toFixed(1)}%"></span><span class="point" style="left:${place(score).toFixed(1)}%"></span></span>`;
}

/**
 * The scorecards of several explanations of one question side by side, the best score of each line marked. Undefined
 * where fewer than two have one.
 */
export function renderScoreTable(explained: readonly Explained[], indices: readonly number[]): Html | undefined {
  const scored = indices.flatMap((i) => {
    const { scorecard } = explained[i].document;
    return scorecard ? [{ index: i, document: explained[i].document, scorecard }] : [];
  });
  if (scored.length < 2) return undefined;
  const metrics = scored[0].scorecard.entries;
  const heads = columnNames(scored.map(({ document }) => document));
  const rows = metrics.map((first) => {
    const cells = scored.map(({ scorecard }) => scorecard.entries.find(({ metric }) => metric === first.metric));
    const scores = cells.flatMap((cell) => (cell ? [cell.score] : []));
    const best = first.direction === 'higher' ? maxOf(scores) : minOf(scores);
    return html`<tr><th scope="row">${first.title} ${arrow(first)}${questions[first.metric] && html`<span class="aside">${questions[first.metric]}</span>`}</th>${cells.map(
      (cell) =>
        cell
          ? html`<td class="number${cell.score === best ? ' best' : ''}"><b>${scoreText(cell)}</b><span class="aside">${intervalText(cell)}</span></td>`
          : html`<td class="number">–</td>`,
    )}</tr>`;
  });
  return html`<p class="quiet score-words">Scorecards side by side; the best of each line is underlined. ${meaning(scored[0].scorecard)}.</p>
<div class="scroll" role="region" aria-label="Scorecards side by side" tabindex="0"><table class="score-table">
<thead><tr><td></td>${scored.map(({ index }, i) => html`<th scope="col" class="number"><a href="#e${index}">${heads[i]}</a></th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

/** Method, and the layer where that tells columns apart. */
function columnNames(documents: readonly ExplanationDocument[]): string[] {
  const layers = new Set(documents.map(({ layer }) => layer.join(' + ')));
  const methods = new Set(documents.map(({ methodTitle }) => methodTitle));
  return documents.map(({ methodTitle, layer }) => {
    if (layers.size === 1) return methodTitle;
    return methods.size === 1 ? layer.join(' + ') : `${methodTitle}, ${layer.join(' + ')}`;
  });
}
