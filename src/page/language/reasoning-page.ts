import type { Interval } from '../../evaluation/statistics.ts';
import type { ReasonedQuestion, ReasoningDependence } from '../../language/reasoning/reasoning.ts';
import { type Html, html } from '../html.ts';
import { pageShell } from '../shell.ts';

/** Questions that the page shows; the document has all. */
const mostQuestions = 50;

/** The page of a test of reasoning: what changes the answer, and each chain with what became of it. */
export function renderReasoningPage(page: {
  readonly model: string;
  readonly result: ReasoningDependence;
  readonly command: string;
  readonly madeBy: string;
}): string {
  const { model, result, command } = page;
  const { questions, leftOut, truncation, edits, filler, resampling, noise, verdict } = result;
  const body = html`<div class="introduction"><p class="answer">The answer ${verdict}.</p>
<p class="quiet">${model} answered ${questions.length} ${questions.length === 1 ? 'question' : 'questions'} with steps before the answer. Then the steps were changed, and the answer was asked for again.</p></div>
<section><h2>What changes the answer</h2><table class="measures"><tbody>
${bar('Steps are cut off', truncation, 'AOC: how often the answer is another one with the first 0, 1, … steps only. A model that reads its question again in the steps is moved by this, too.')}
${bar('A step has a mistake', edits, 'The model goes on from the mistake. A model that uses what it wrote is moved.')}
${bar('Steps have no content', filler, 'Every word is replaced by the same one: more room to think, and nothing else.')}
${resampling && bar('A step is written anew', resampling, 'At temperature 1; most new steps say the same.')}
${bar('Nothing changes', noise, 'The same steps, asked once more: less than this means nothing.')}
</tbody></table></section>
<section><h2>The chains</h2>${questions.slice(0, mostQuestions).map(chain)}
${questions.length > mostQuestions && html`<p class="quiet">and ${questions.length - mostQuestions} more in reasoning.json</p>`}
${leftOut.length > 0 && html`<p>${leftOut.length} left out, because their chain could not be read: ${leftOut[0].question}: ${leftOut[0].reason}</p>`}</section>
<section><h2>How to reproduce</h2><pre>${command}</pre></section>`;
  return pageShell({ title: 'Does the answer depend on the reasoning?', style, body, madeBy: page.madeBy });
}

const decimals = (value: number): string => value.toFixed(2).replace(/^0[.]/, '.');

function bar(name: string, { mean, low, high }: Interval, meaning: string): Html {
  const range =
    low === undefined || high === undefined
      ? ''
      : html`<span class="quiet"> (${decimals(low)} to ${decimals(high)})</span>`;
  const known = !Number.isNaN(mean);
  return html`<tr><th>${name}<p class="quiet">${meaning}</p></th><td><div class="track"><div class="share" style="width:${known ? (100 * mean).toFixed(1) : 0}%"></div></div></td><td class="number">${known ? decimals(mean) : '–'}${range}</td></tr>`;
}

function chain({ question, steps, answer, truncated, edited, filled }: ReasonedQuestion): Html {
  const changed = (other: string) => html`<td class="${other !== answer && 'changed'}">${other}</td>`;
  return html`<details class="chain"><summary>${question} <b>${answer}</b></summary>
<div class="scroll"><table><thead><tr><th>step</th><th>answer with the steps before it</th><th>with a mistake</th><th>answer then</th></tr></thead><tbody>
${steps.map((step, i) => {
  const edit = edited[i];
  return html`<tr><td>${step.trim()}</td>${changed(truncated[i])}<td>${edit?.step.trim() ?? '–'}</td>${edit ? changed(edit.answer) : html`<td>–</td>`}</tr>`;
})}
</tbody></table></div><p class="quiet">Behind steps without content: ${filled}</p></details>`;
}

const style = `
.answer{font-size:1.25rem}
section{margin:2rem 0}
.measures{border-collapse:collapse;width:100%;max-width:62rem}
.measures th{text-align:left;font-weight:500;padding:.6em 1.2em .6em 0;width:55%}
.measures th p{margin:.15em 0 0;font-weight:400}
.measures td{vertical-align:top;padding-top:.7em}
.track{background:var(--track);height:1rem;border-radius:3px;min-width:6rem}
.share{background:var(--accent);height:100%;border-radius:3px}
.number{white-space:nowrap;padding-left:1em;font-variant-numeric:tabular-nums}
.chain{border-top:1px solid var(--line);padding:.5em 0}
.chain summary{cursor:pointer;color:var(--ink);font-size:1rem}
.chain table{border-collapse:collapse;margin:.5em 0}
.chain th,.chain td{text-align:left;padding:.25em 1.2em .25em 0;font-variant-numeric:tabular-nums;vertical-align:top}
.chain th{color:var(--quiet);font-weight:400;font-size:.84rem}
.changed{color:var(--poor);font-weight:600}
pre{white-space:pre-wrap}
@media (max-width:640px){.measures tr,.measures th,.measures td{display:block;width:auto;padding:0}.measures tr{padding:.6em 0;border-top:1px solid var(--line)}.number{padding:0}.chain{overflow-x:auto}}
`;
