import { packageVersion } from '../../explain/version.ts';
import type { ShortcutDocument } from '../../language/shortcut/shortcut.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText, percentText } from '../number-text.ts';
import { pageShell } from '../shell.ts';

/** The page of a shortcut: what the classifier goes by, where it fails, and what was made against it. */
export function renderShortcutPage(document: ShortcutDocument, command?: string): string {
  const { model, texts, accuracy, reported, floor, trivial, notes, swap, copies } = document;
  const body = html`<div class="introduction"><p class="verdict">${verdict(document)}</p>
<p class="quiet"><b>${model.name}</b> is right on ${percentText(accuracy)} of ${texts} texts.</p></div>
<section><h2>What it goes by</h2><p class="quiet">Score: how much the model goes by a word (mean |gradient × embedding| where it stands) times how much its presence tells of the label (mutual information). The floor, ${numberText(floor, 3)}, is what the best word reaches with permuted labels; ${reported} ${reported === 1 ? 'word is' : 'words are'} above it. A real feature ranks, too: whether a word may count is for a person to say.</p>
${wordTable(document)}
<p class="quiet">First by frequency alone: ${trivial.frequency.join(', ')}. By information alone: ${trivial.information.join(', ')}. By attribution alone: ${trivial.attribution.join(', ')}.</p></section>
${swap && groupSection(document)}
${copies && html`<section><h2>Copies against it</h2><p><b>${copies.made}</b> copies of the texts have the words exchanged and the same label; ${copies.untouched} texts hold none of the words, ${copies.known} copies would have been texts of the data already. Train on the texts and the copies together, and for comparison on the texts alone for as many steps.</p></section>`}
<section><h2>Details</h2><ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>
${command !== undefined && html`<h3>How to reproduce</h3><pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({ title: 'Is there a shortcut?', style, body, madeBy: packageVersion });
}

function verdict({ reported, words, classes, swap, worst }: ShortcutDocument): string {
  if (reported === 0) return 'No word is above what chance gives: nothing is reported.';
  const [{ word, label, aligned }] = words;
  const first = `The model goes most by “${word}”, which goes with “${classes[label]}” in ${percentText(aligned)} of its texts.`;
  return swap && worst ? `${first} Where the two disagree it is right in ${percentText(worst.accuracy.mean)}.` : first;
}

function wordTable({ words, floor, classes }: ShortcutDocument): Html {
  const most = words[0]?.score || 1;
  const at = Math.min(100, (100 * floor) / most);
  return html`<div class="scroll"><table class="words"><thead><tr><th>word</th><th>score</th><th class="number">score</th><th class="number">attribution</th><th class="number">bits</th><th class="number">texts</th><th>goes with</th></tr></thead><tbody>${words
    .slice(0, 20)
    .map(
      ({ word, score, attribution, information, texts, label, aligned, reported }) =>
        html`<tr class="${reported ? '' : 'quiet'}"><th scope="row">${word}</th><td class="track"><span class="bar" style="width:${((100 * Math.max(0, score)) / most).toFixed(1)}%"></span><span class="floor" style="left:${at.toFixed(1)}%"></span></td><td class="number">${numberText(score, 3)}</td><td class="number">${numberText(attribution, 3)}</td><td class="number">${numberText(information, 3)}</td><td class="number">${texts}</td><td>${classes[label]} ${percentText(aligned)}</td></tr>`,
    )}</tbody></table></div>`;
}

function groupSection({ swap, groups, classes, worst }: ShortcutDocument): Html | undefined {
  if (!swap) return undefined;
  const [[one, other]] = swap.pairs;
  return html`<section><h2>Where it fails</h2><p class="quiet">Accuracy on the given texts by label and by whether they hold <q>${one}</q> (${swap.given ? 'given' : 'proposed'}, with <q>${other}</q> as the word that takes its place).</p>
<div class="scroll"><table class="words"><thead><tr><th>texts</th><th>accuracy</th><th class="number"></th><th class="number">95 % interval</th><th class="number">texts</th></tr></thead><tbody>${groups.map(
    (group) =>
      html`<tr class="${group === worst ? 'worst' : ''}"><th scope="row">${classes[group.label]}, ${group.holds ? 'with' : 'without'} ${one}</th><td class="track"><span class="bar" style="width:${(100 * group.accuracy.mean).toFixed(1)}%"></span></td><td class="number">${percentText(group.accuracy.mean)}</td><td class="number">${percentText(group.accuracy.low ?? 0)} to ${percentText(group.accuracy.high ?? 1)}</td><td class="number">${group.accuracy.count}</td></tr>`,
  )}</tbody></table></div></section>`;
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.verdict{font-size:1.3rem;font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.words{border-collapse:collapse;font-size:.95rem}.words th,.words td{padding:.3em 1.1em .3em 0;text-align:left;font-weight:400}.words thead th{color:var(--quiet)}.words .number{text-align:right}
.words .track{position:relative;width:16rem;min-width:9rem;background:linear-gradient(var(--track),var(--track)) center/100% 70% no-repeat;padding:0}.words .bar{position:absolute;left:0;top:15%;bottom:15%;background:var(--accent)}.words .floor{position:absolute;top:0;bottom:0;width:2px;background:var(--ink)}
.words .track+td{padding-left:1.1em}.worst th,.worst td{font-weight:600}.worst .bar{background:var(--negative)}
`;
