import { packageVersion } from '../../explain/version.ts';
import type { ProbeDocument } from '../../language/probes/probe.ts';
import { html, verbatim } from '../html.ts';
import { percentText } from '../number-text.ts';
import { pageShell } from '../shell.ts';
import { chartStyle, lineChart } from './line-chart.ts';

/** The page of probes: how well a label is read off behind each layer, beside what needs no model. */
export function renderProbePage(document: ProbeDocument, command?: string): string {
  const { model, classes, of, trained, tested, layers, words, constant, verdict, notes } = document;
  const flat = (value: number) => layers.map((_, l) => [l, value] as const);
  const lines = [
    {
      name: 'the label',
      points: layers.map(({ accuracy }, l) => [l, accuracy.mean] as const),
      range: layers.map(({ accuracy: { mean, low = mean, high = mean } }) => [low, high] as const),
    },
    {
      name: 'labels dealt out at random',
      points: layers.map(({ control }, l) => [l, control.mean] as const),
      trivial: true,
    },
    { name: 'the words of the texts', points: flat(words.mean), trivial: true },
    { name: 'the most frequent class', points: flat(constant), trivial: true },
  ];
  const body = html`<div class="introduction"><p class="verdict">${verdict}</p><p class="quiet">A linear map from the ${of === 'last' ? 'last token' : 'mean token'} of each text to ${classes.join(', ')}, in <b>${model.name}</b>; ${trained} texts to learn from, ${tested} held out. That a label can be read says that it is there, not that the model uses it.</p></div>
<section><h2>Where it can be read</h2>${lineChart(lines, { x: 'layer: 0 is the embedding', y: 'accuracy on held-out texts' })}
<div class="scroll"><table class="layers"><thead><tr><th>behind</th><th class="number">accuracy</th><th class="number">95 % interval</th><th class="number">at random</th></tr></thead><tbody>${layers.map(
    ({ name, accuracy, control }) =>
      html`<tr><th scope="row">${name}</th><td class="number">${percentText(accuracy.mean)}</td><td class="number">${percentText(accuracy.low ?? 0)} to ${percentText(accuracy.high ?? 1)}</td><td class="number">${percentText(control.mean)}</td></tr>`,
  )}</tbody></table></div></section>
<section><h2>Details</h2><ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({
    title: 'Where can it be read off?',
    style: `${style}${chartStyle}`,
    body,
    madeBy: packageVersion,
  });
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.verdict{font-size:1.25rem;font-weight:600}
.layers{border-collapse:collapse}.layers th,.layers td{padding:.3em 1.2em .3em 0;text-align:left;font-weight:400}.layers .number{text-align:right;font-variant-numeric:tabular-nums}
`;
