import { packageVersion } from '../../explain/version.ts';
import type { UnitKind } from '../../language/text/units.ts';
import type { WhyAnswer, WhyAttribution, WhyDocument } from '../../language/why/why-document.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText, percentText, signedText } from '../number-text.ts';
import { pageShell } from '../shell.ts';
import { chartStyle, lineChart } from './line-chart.ts';
import { whyScript, whyStyle } from './why-assets.ts';

/** From the coarsest to the finest. */
const allKinds = ['paragraph', 'sentence', 'word', 'token'] as const;

/** What the units of one kind have by one attribution; undefined where they are finer than what it says. */
export function valuesFor(
  document: WhyDocument,
  { unit, values }: WhyAttribution,
  kind: UnitKind,
): readonly number[] | undefined {
  if (kind === unit) return values;
  if (allKinds.indexOf(kind) > allKinds.indexOf(unit)) return undefined;
  const owner = new Map<number, number>();
  for (const [u, { tokens }] of document.units[unit].entries()) for (const token of tokens) owner.set(token, u);
  return document.units[kind].map(({ tokens }) =>
    [...new Set(tokens.map((token) => owner.get(token) as number))].reduce((sum, u) => sum + values[u], 0),
  );
}

/** The page of a reason: the prompt coloured by what each part did for the answer, and how far to believe it. */
export function renderWhyPage(document: WhyDocument, command?: string): string {
  const { attributions, curves, baselines, units, value, empty, notes, settings, control, cost } = document;
  // One part has nothing to tell apart; around a mask the parts of one paragraph are still one.
  const isParted = (kind: UnitKind) =>
    kind === 'paragraph'
      ? /\n[^\S\n]*\n/.test(document.prompt.trim())
      : units[kind].filter(({ special }) => !special).length > 1;
  const kinds = allKinds.filter((kind) => kind === 'token' || kind === document.unit || isParted(kind));
  const views = attributions.map((one) => ({
    title: one.title,
    views: Object.fromEntries(kinds.map((kind) => [kind, valuesFor(document, one, kind)])),
  }));
  const readable = (kind: UnitKind) => kind !== 'paragraph' || document.unit === 'paragraph';
  // One or two sentences of one colour each would say nothing.
  const tells = (kind: UnitKind) => kind === document.unit || units[kind].filter(({ special }) => !special).length > 2;
  const shown = kinds.filter((kind) => readable(kind) && views[0].views[kind]);
  const first = shown.find(tells) ?? shown[0];
  const data = { attributions: views, units: Object.fromEntries(kinds.map((kind) => [kind, units[kind]])), first };
  const body = html`<div class="introduction">${questionText(document)}</div>
<section class="shown-prompt"><h2>The prompt</h2>
<div class="switches" hidden><label>Method <select id="method">${attributions.map(({ title }, i) => html`<option value="${i}">${title}</option>`)}</select></label>
<fieldset class="views" aria-label="What is coloured">${kinds.map((kind) => html`<button type="button" data-kind="${kind}" aria-pressed="${String(kind === first)}">${kind}s</button>`)}</fieldset></div>
<p class="prompt" id="prompt">${colouredUnits(units[first], views[0].views[first] as readonly number[])}</p>
<p class="told" id="told" role="status">Point at a part of the prompt, or reach it with the Tab key, to see its number.</p>
<div class="scale-line"><span id="low"></span><span class="scale"></span><span id="high"></span></div>
<p class="quiet">Blue: against the answer. Red: for it. One scale for all that is shown; numbers are in nats (1 nat: 2.7 times as probable).</p></section>
<section><h2>How far to believe it</h2>${methodTable(attributions, document)}
<p class="quiet">Error: how far the sum is from what it should be; only the methods marked * promise it. ${control.sets > 0 && html`LDS: rank correlation of what the parts kept are worth by the method with the f of ${control.sets} random selections that no method has seen (the number of parts kept alone: ${control.ldsOfCount === null ? 'none' : numberText(control.ldsOfCount, 2)}; spread of f: ${numberText(control.spread, 3)} nats). `}Drop: mean loss of f while the parts with the largest values are taken away first.</p>
${lineChart(
  curves.map(({ name, deleted, values, range }, i) => ({
    name,
    points: deleted.map((count, k) => [count, values[k]] as const),
    range,
    trivial: i >= attributions.length,
  })),
  {
    x: `${document.unit}s taken away, the largest values first`,
    y: 'f of what is left, in nats; grey: orders that know nothing of the model',
  },
)}</section>
${baselines.length > 0 && baselineSection(document)}
<section><h2>Details</h2><dl class="numbers"><div><dt>f with the prompt</dt><dd>${numberText(value, 4)}</dd></div><div><dt>f without any ${document.unit}</dt><dd>${numberText(empty, 4)}</dd></div><div><dt>prompts scored</dt><dd>${cost.calls.toLocaleString('en')}</dd></div>${cost.tokensRead !== undefined && html`<div><dt>tokens read for them</dt><dd>${cost.tokensRead.toLocaleString('en')}</dd></div>`}<div><dt>gradients</dt><dd>${cost.backward.toLocaleString('en')}</dd></div>${cost.forward !== undefined && html`<div><dt>places of the path without one</dt><dd>${cost.forward.toLocaleString('en')}</dd></div>`}<div><dt>seed</dt><dd>${settings.seed}</dd></div></dl>
<ul class="notes">${[...notes, ...attributions.flatMap(({ title, notes: own }) => own.map((note) => `${title}: ${note}`))].map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({
    title: document.against ? 'Why this answer and not the other?' : 'Why this answer?',
    style: whyStyle + chartStyle,
    script: whyScript,
    data,
    body,
    madeBy: packageVersion,
  });
}

function questionText({ answer, against, model }: WhyDocument): Html {
  const lines = [answer, ...(against ? [against] : [])];
  return html`<p>What <b>${model.name}</b> ${answer.generated ? 'wrote' : 'is asked about'}${against && ', and what it is compared with'}:</p>
<table class="answers"><tbody>${lines.map((one) => html`<tr><td class="text">${answerText(one)}</td><td class="number">log p = ${numberText(one.logProbability, 4)}</td><td class="quiet">${tokensText(one)}</td></tr>`)}</tbody></table>
${against && against.tokens.length !== answer.tokens.length && html`<p class="quiet">The two have different lengths: log-probabilities are summed, so the longer one pays for each of its tokens.</p>`}`;
}

const tokensText = ({ tokens, counted: [start, end] }: WhyAnswer) =>
  end - start === tokens.length
    ? `${tokens.length} token${tokens.length === 1 ? '' : 's'}`
    : `token ${start + 1} of ${tokens.length}`;

function answerText({ tokens, counted: [start, end] }: WhyAnswer): Html[] {
  return tokens.map((token, i) =>
    i >= start && i < end ? html`<b>${token}</b>` : html`<span class="quiet">${token}</span>`,
  );
}

/** Units of a text, each coloured by its share of the largest value. */
export function colouredUnits(units: WhyDocument['units'][UnitKind], values: readonly number[]): Html[] {
  const limit = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  return units.map(({ text, special }, i) => {
    const share = values[i] / limit;
    const sign = share < 0 ? 'minus' : 'plus';
    return html`<span class="unit ${sign} ${special && 'special'}" tabindex="0" style="--share:${Math.abs(share).toFixed(3)}" title="${signedText(values[i])} nats">${text}</span> `;
  });
}

function methodTable(attributions: WhyDocument['attributions'], { curves }: WhyDocument): Html {
  const trivial = curves.slice(attributions.length);
  return html`<div class="scroll"><table class="methods"><thead><tr><th>Method</th><th>looks at</th><th class="number">sum</th><th class="number">should be</th><th class="number">error</th><th class="number">LDS</th><th class="number">drop</th></tr></thead><tbody>
${attributions.map(
  (one, i) =>
    html`<tr><th scope="row">${one.title}${one.promisesSum && ' *'}</th><td>${one.unit}s, against ${one.baseline}</td><td class="number">${signedText(one.sum, 4)}</td><td class="number">${signedText(one.target, 4)}</td><td class="number">${one.relativeError === null ? '–' : percentText(one.relativeError)}</td><td class="number">${one.lds === null ? '–' : numberText(one.lds, 2)}</td><td class="number">${numberText(curves[i].drop, 3)}</td></tr>`,
)}
${trivial.map(({ name, drop }) => html`<tr class="quiet"><th scope="row">${name}</th><td>knows nothing of the model</td><td></td><td></td><td></td><td></td><td class="number">${numberText(drop, 3)}</td></tr>`)}
</tbody></table></div>`;
}

function baselineSection({ baselines }: WhyDocument): Html {
  return html`<section><h2>Against what</h2><p>Integrated gradients compare the prompt with one that says nothing. What stands for nothing is a choice; ${baselines.length > 1 ? 'the one whose sum came nearest to what it should be was taken' : 'it was stated'}.</p>
<div class="scroll"><table class="methods"><thead><tr><th>In place of every token</th><th class="number">f(prompt) − f(baseline)</th><th class="number">error at ${baselines[0].points} points</th></tr></thead><tbody>${baselines.map(
    ({ name, target, relativeError, chosen }) =>
      html`<tr class="${chosen ? 'chosen' : ''}"><th scope="row">${name}${chosen && ' (taken)'}</th><td class="number">${signedText(target, 4)}</td><td class="number">${percentText(relativeError)}</td></tr>`,
  )}</tbody></table></div></section>`;
}
