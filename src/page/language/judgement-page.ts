import type { Interval } from '../../evaluation/statistics.ts';
import { type JudgementDocument, judgementSentence } from '../../language/judge/judgement-document.ts';
import { type Html, html } from '../html.ts';
import { pageShell } from '../shell.ts';

/** Pairs that the page shows; the document has all. */
const mostPairs = 200;

const names = {
  a: '',
  b: '',
  undecided: 'the order decided',
  abstained: 'abstained',
  unreadable: 'no choice',
} as const;

/** The page of a judgement: who is better, how far the judge can be trusted, and the pairs. */
export function renderJudgementPage(document: JudgementDocument): string {
  const { sides, judgement, people, judge, rubric, pairs, command } = document;
  const { orderBias, consistency, winRate, longerWins, counts } = judgement;
  const body = html`<div class="introduction">
<p class="answer">${judgementSentence(document)}</p>
<p class="quiet">${judge.name} compared ${pairs.length.toLocaleString('en')} pairs, each in both orders; a choice counts where both orders give it. Rubric: ${rubric}</p>
</div>
<section><h2>How far it can be trusted</h2>
<table class="measures"><thead><tr><th>measure</th><th>value</th><th>95 % interval</th><th>what it means</th></tr></thead><tbody>
${measure(`${sides.a} wins`, winRate, 'of all pairs, those not decided counting half; without a difference .5')}
<tr><th>chance of so uneven a result</th><td>${chanceText(judgement.chance)}</td><td>–</td><td class="quiet">if neither were better; a verdict needs less than .05</td></tr>
${measure('both orders agree', consistency, 'of the pairs where both were a choice; a judge that goes by the order: 0')}
${measure('order bias', orderBias, '0: the order does not matter, 1: always the first, −1: always the second')}
${measure('the longer answer wins', longerWins, 'of the decided pairs; near 1, a ruler would judge as well')}
${people && measure('agreement with people (κ)', asInterval(people.kappa), `over ${people.rated} pairs; 0: as by chance, 1: always`)}
${people?.winRate && measure(`${sides.a} wins, corrected by people`, asInterval({ ...people.winRate, value: people.winRate.mean, count: pairs.length }), `the judge's ratings of all pairs, corrected by the ${people.rated} that people rated; as good as ${Math.round(people.winRate.worthLabels)} ratings of people`)}
</tbody></table>
<p class="quiet">${counts.a} pairs for ${sides.a}, ${counts.b} for ${sides.b}, ${counts.undecided} decided by the order alone, ${counts.abstained} abstained, ${counts.unreadable} with a reply that is no choice.</p>
${people?.without !== undefined && html`<p class="quiet">Not corrected by people: ${people.without}.</p>`}</section>
<section><h2>The pairs</h2>${judgement.pairs.slice(0, mostPairs).map((judged, i) => pair(judged.verdict, judged.replies, pairs[i]))}
${judgement.pairs.length > mostPairs && html`<p class="quiet">and ${(judgement.pairs.length - mostPairs).toLocaleString('en')} more in judgement.json</p>`}</section>
${command !== undefined && html`<section><h2>How to reproduce</h2><pre>${command}</pre></section>`}`;
  return pageShell({ title: 'Which answers are better?', style, body, madeBy: document.versions.wherefore });

  function pair(
    verdict: keyof typeof names,
    replies: readonly [string, string],
    { id, question, a, b }: JudgementDocument['pairs'][number],
  ): Html {
    const text = verdict === 'a' || verdict === 'b' ? `${sides[verdict]} is better` : names[verdict];
    const side = (name: 'a' | 'b', answer: string) =>
      html`<div class="side${verdict === name && ' better'}"><h4>${sides[name]}</h4><p>${answer}</p></div>`;
    return html`<details class="pair"><summary><span class="choice ${verdict}">${text}</span> ${question}</summary>
<div class="sides">${side('a', a)}${side('b', b)}</div>
<p class="quiet">${id}; replies: ${replies[0]} with ${sides.a} first, ${replies[1]} with ${sides.b} first</p></details>`;
  }
}

const chanceText = (chance: number): string => (chance < 0.005 ? 'under .01' : decimals(chance));

const decimals = (value: number): string =>
  value
    .toFixed(2)
    .replace(/^(-?)0[.]/, '$1.')
    .replace('-', '−');

function measure(name: string, value: Interval | undefined, meaning: string): Html {
  const range =
    value?.low === undefined || value.high === undefined ? '–' : `${decimals(value.low)} to ${decimals(value.high)}`;
  return html`<tr><th>${name}</th><td>${value === undefined || Number.isNaN(value.mean) ? '–' : decimals(value.mean)}</td><td>${range}</td><td class="quiet">${meaning}</td></tr>`;
}

function asInterval({
  value,
  low,
  high,
  count,
}: {
  readonly value: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly count: number;
}): Interval | undefined {
  return value === undefined ? undefined : { mean: value, low, high, count };
}

const style = `
.answer{font-size:1.25rem}
.measures{border-collapse:collapse;width:100%;max-width:60rem}
.measures th,.measures td{text-align:left;padding:.35em 1em .35em 0;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}
.measures thead th{color:var(--quiet);font-size:.84rem}
.measures td:nth-child(2),.measures td:nth-child(3){white-space:nowrap;font-variant-numeric:tabular-nums}
section{margin:2rem 0}
.pair{border-top:1px solid var(--line);padding:.5em 0}
.pair summary{cursor:pointer;color:var(--ink);font-size:1rem}
.choice{display:inline-block;min-width:9em;color:var(--quiet)}
.choice.a,.choice.b{color:var(--ink);font-weight:600}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:1rem;margin:.6rem 0}
.side{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.7em 1em}
.side p{white-space:pre-wrap;margin:.3em 0 0}
.side.better{border-color:var(--good);border-width:2px}
pre{white-space:pre-wrap}
@media (max-width:640px){.measures,.measures tbody,.measures tr,.measures td,.measures th{display:block}.measures thead{display:none}.measures tr{border-bottom:1px solid var(--line);padding:.5em 0}.measures td,.measures th{border:0;padding:0}.measures th{font-weight:600}.measures td:nth-child(2),.measures td:nth-child(3){display:inline;margin-right:1em}}
`;
