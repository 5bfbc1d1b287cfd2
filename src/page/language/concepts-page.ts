import { packageVersion } from '../../explain/version.ts';
import type { ConceptModelDocument } from '../../language/concepts/concept-model.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText, percentText, signedText } from '../number-text.ts';
import { pageShell } from '../shell.ts';

/** Texts whose class an edit changed. */
interface Edited {
  readonly words: string;
  readonly changed: readonly { readonly text: string; readonly before: string; readonly after: string }[];
  readonly tried: number;
}

/** The page of a concept model: what it goes by, how good it is, and its texts, in which concepts can be switched. */
export function renderConceptsPage(
  document: ConceptModelDocument,
  edited: Edited | undefined,
  command?: string,
): string {
  const { model, concepts, soft, hard, leakage, blackBox, constant, tested, examples, notes } = document;
  const used = concepts.filter(({ weights }) => weights.some((weight) => weight !== 0));
  const measures: [string, typeof soft | number][] = [
    ['by concepts, from 0 to 1', soft],
    ['by concepts, yes or no', hard],
    ...(blackBox ? [['black box', blackBox] as [string, typeof soft]] : []),
    ['the most frequent class', constant],
  ];
  const body = html`<div class="introduction"><p class="verdict">${used.length} concepts are enough to be right on ${percentText(soft.mean)} of ${tested} texts that were held out${blackBox && html`; the black box is right on ${percentText(blackBox.mean)}`}.</p></div>
<section><h2>What it goes by</h2><p class="quiet">The class is the one with the largest sum of weights of its concepts. <b>Bits</b>: what having the concept tells of the label. <b>Matters</b>: held-out texts that change class without it. Switch a concept off, or on, for a text below to see what the model would say.</p>
${weightTable(document, used)}<p class="quiet">${concepts.length - used.length} more ${concepts.length - used.length === 1 ? 'concept was' : 'concepts were'} tried and not used${
    concepts.length > used.length &&
    html`: ${concepts
      .filter((one) => !used.includes(one))
      .map(({ name }) => name)
      .join(', ')}`
  }.</p></section>
<section><h2>How good it is</h2><table class="measures"><tbody>${measures.map(([name, value]) => {
    const { mean, low, high } = typeof value === 'number' ? { mean: value, low: undefined, high: undefined } : value;
    return html`<tr><th scope="row">${name}</th><td class="number">${percentText(mean)}</td><td class="number quiet">${low !== undefined && high !== undefined && `${percentText(low)} to ${percentText(high)}`}</td></tr>`;
  })}</tbody></table><p class="quiet">Leakage, what scores between 0 and 1 tell beyond yes and no: ${signedText(100 * leakage, 2)} points.</p></section>
${edited && html`<section><h2>With ${edited.words}</h2><p>${edited.changed.length} of ${edited.tried} texts change class.</p><ul>${edited.changed.map(({ text, before, after }) => html`<li>${before} → <b>${after}</b>: ${text}</li>`)}</ul></section>`}
<section><h2>Texts</h2>${examples.map(({ text, label, says, scores }, i) => html`<article class="text" data-text="${i}"><p>${text}</p><p>says <b class="says">${says}</b>, labelled ${label}</p><p class="switches">${used.map((concept) => switchOf(concept.name, scores[concepts.indexOf(concept)], concepts.indexOf(concept)))}</p></article>`)}</section>
<section><h2>Details</h2><ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  const data = {
    classes: model.classes,
    classifier: model.classifier,
    scores: examples.map((example) => example.scores),
  };
  return pageShell({ title: 'A classifier that goes by concepts', style, script, data, body, madeBy: packageVersion });
}

function switchOf(name: string, score: number, concept: number): Html {
  return html`<button type="button" aria-pressed="${String(score >= 0.5)}" data-concept="${concept}" title="score ${numberText(score, 2)}">${name}</button> `;
}

function weightTable({ model }: ConceptModelDocument, used: ConceptModelDocument['concepts']): Html {
  const { classes } = model;
  const most =
    used.reduce((size, { weights }) => weights.reduce((a, weight) => Math.max(a, Math.abs(weight)), size), 0) || 1;
  const cell = (weight: number) =>
    html`<td class="number ${weight < 0 ? 'minus' : 'plus'}" style="--share:${(Math.abs(weight) / most).toFixed(3)}">${signedText(weight, 3)}</td>`;
  const order = [...used].sort((a, b) => b.weights[b.weights.length - 1] - a.weights[a.weights.length - 1]);
  return html`<div class="scroll"><table class="weights"><thead><tr><th>concept</th>${classes.map((name) => html`<th class="number">${name}</th>`)}<th class="number">bits</th><th class="number">texts</th><th class="number">matters</th></tr></thead><tbody>${order.map(
    ({ name, weights, information, coverage, matters }) =>
      html`<tr><th scope="row">${name}</th>${weights.map(cell)}<td class="number">${numberText(information, 2)}</td><td class="number">${percentText(coverage)}</td><td class="number">${matters}</td></tr>`,
  )}</tbody></table></div>`;
}

/** Switches a concept of a text and says what the model says then. */
const script = `
const { classes, classifier, scores } = JSON.parse(document.getElementById('data').textContent);
for (const article of document.querySelectorAll('article.text')) {
  const own = scores[Number(article.dataset.text)].slice();
  const first = article.querySelector('.says').textContent;
  for (const button of article.querySelectorAll('button')) {
    const concept = Number(button.dataset.concept);
    button.addEventListener('click', () => {
      const on = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(on));
      own[concept] = on ? 1 : 0;
      const logits = classifier.weights.map((row, y) => row.reduce((sum, weight, k) => sum + weight * own[k], classifier.bias[y]));
      const says = classes[logits.indexOf(logits.reduce((a, b) => (b > a ? b : a)))];
      article.querySelector('.says').textContent = says;
      article.classList.toggle('changed', says !== first);
    });
  }
}
`;

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.verdict{font-size:1.3rem;font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.weights,.measures{border-collapse:separate;border-spacing:2px;font-size:.95rem}.weights th,.measures th{font-weight:400;text-align:left;padding:.25em 1.2em .25em 0}.weights thead th{color:var(--quiet)}.weights .number,.measures .number{text-align:right;padding:.25em .8em;border-radius:3px}
.weights td.plus{background:color-mix(in oklab,var(--positive) calc(var(--share)*60%),transparent)}.weights td.minus{background:color-mix(in oklab,var(--negative) calc(var(--share)*60%),transparent)}
.text{border:1px solid var(--line);border-radius:6px;background:var(--card);padding:.6em 1em;margin:.6rem 0;max-width:60rem}.text p{margin:.25em 0}.text.changed{border-color:var(--accent);border-width:2px}.text.changed .says{color:var(--accent)}
.switches button{font:inherit;font-size:.85rem;border:1px solid var(--line);border-radius:1em;padding:.1em .8em;background:none;color:var(--quiet);cursor:pointer;margin:.15em 0}.switches button[aria-pressed=true]{background:var(--accent);color:var(--paper);border-color:var(--accent)}
`;
