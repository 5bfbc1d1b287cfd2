import { packageVersion } from '../../explain/version.ts';
import type { TracedSentence } from '../../provenance/text/paraphrases.ts';
import type { SpanSource, VerbatimSpan } from '../../provenance/text/verbatim.ts';
import { type Html, html } from '../html.ts';
import { pageShell } from '../shell.ts';

export interface VerbatimPage {
  readonly passage: string;
  readonly spans: readonly VerbatimSpan[];
  /** Sentences with the nearest of the corpus; absent for an index without vectors. */
  readonly sentences?: readonly TracedSentence[];
  /** Share of pairs of its sentences that are less alike, at least. */
  readonly support?: number;
  /** The corpus, as it is called, and how large it is. */
  readonly corpus: { readonly name: string; readonly documents: number; readonly words: number };
  readonly minWords: number;
  readonly maxLogExpected: number;
  readonly command?: string;
}

/** Colours that tell sources apart; more sources share the last one. */
const hues = [12, 205, 130, 275, 45, 320, 170, 90] as const;

/** The page of a traced passage: the passage coloured by where it stands in the corpus, and every span with its sources. */
export function renderVerbatimPage(page: VerbatimPage): string {
  const { passage, spans, corpus, minWords, maxLogExpected, command } = page;
  const sources = [...new Set(spans.map(firstSource))];
  const hueOf = (span: VerbatimSpan) => hues[Math.min(sources.indexOf(firstSource(span)), hues.length - 1)];
  const covered = coveredShare(passage, spans);
  const body = html`<div class="introduction">
<p>${spans.length === 0 ? 'No span of this passage' : `${spans.length} span${spans.length > 1 ? 's' : ''} of this passage, ${Math.round(100 * covered)} % of its letters,`} stand${spans.length === 1 ? 's' : ''} to the letter in ${corpus.name}: ${corpus.documents.toLocaleString('en')} documents, ${corpus.words.toLocaleString('en')} words.</p>
<p class="quiet">A span has ${minWords} words or more, lies within no longer one, and would be expected less than ${powerText(maxLogExpected)} times in a corpus of this size if words followed one another by chance. It says that the words stand there. It does not say that the passage was taken from there, nor that it would change without it.</p>
</div>
<section><h2>The passage</h2><p class="passage">${coloured(passage, spans, hueOf)}</p></section>
${spans.length > 0 && html`<section><h2>Spans, the most improbable first</h2><ol class="spans">${spans.map((span, i) => spanItem(span, i, hueOf(span)))}</ol></section>`}
${page.sentences && sentencesSection(page.sentences, page.support ?? 0)}
${command !== undefined && html`<section><h2>How to reproduce</h2><pre>${command}</pre></section>`}`;
  return pageShell({ title: 'Where does this passage stand?', style, body, madeBy: packageVersion });
}

/** Sentences of the corpus that are near in meaning, by an encoder. */
function sentencesSection(sentences: readonly TracedSentence[], support: number): Html {
  const near = sentences.filter(({ sources }) => sources.length > 0);
  return html`<section><h2>In other words</h2>
<p class="quiet">${near.length} of ${sentences.length} sentence${sentences.length === 1 ? '' : 's'} of the passage ${near.length === 1 ? 'is' : 'are'} nearer to sentences of the corpus than ${100 * support} % of its sentences are to each other, by the encoder of the index. Nearness is no sameness of meaning: read both.</p>
${near.length > 0 && html`<ol class="spans">${near.map(({ text, sources }) => html`<li><p class="quoted">${text}</p><ul class="sources">${sources.map(({ text: other, place, document, cosine }) => html`<li>${other} <span class="quiet">cosine ${cosine.toFixed(2)}; ${place}${document !== place && html` <code>${document}</code>`}</span></li>`)}</ul></li>`)}</ol>`}</section>`;
}

const firstSource = ({ sources }: VerbatimSpan): string => sources[0]?.document ?? '';

const raised = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** `0.01`, `10⁻¹²`. */
function powerText(exponent: number): string {
  if (exponent >= -3) return String(10 ** exponent);
  return `10⁻${String(Math.round(-exponent)).replace(/\d/g, (digit) => raised[Number(digit)])}`;
}

function coveredShare(passage: string, spans: readonly VerbatimSpan[]): number {
  const covered = new Uint8Array(passage.length);
  for (const { start, end } of spans) covered.fill(1, start, end);
  return passage.length === 0 ? 0 : covered.reduce((sum, one) => sum + one, 0) / passage.length;
}

/** The passage in pieces; where spans overlap, the more improbable one gives the colour. */
function coloured(passage: string, spans: readonly VerbatimSpan[], hueOf: (span: VerbatimSpan) => number): Html[] {
  const owner = new Int32Array(passage.length).fill(-1);
  for (let k = spans.length - 1; k >= 0; k--) owner.fill(k, spans[k].start, spans[k].end);
  const pieces: Html[] = [];
  for (let at = 0; at < passage.length; ) {
    let end = at;
    while (end < passage.length && owner[end] === owner[at]) end++;
    const text = passage.slice(at, end);
    const span = spans[owner[at]];
    pieces.push(
      span
        ? html`<a class="span" href="#span-${owner[at] + 1}" style="--hue:${hueOf(span)}" title="${span.count === 1 ? 'stands once' : `stands ${span.count.toLocaleString('en')} times`} in the corpus">${text}</a>`
        : html`${text}`,
    );
    at = end;
  }
  return pieces;
}

function spanItem({ text, count, logExpected, sources }: VerbatimSpan, index: number, hue: number): Html {
  const more = count - sources.length;
  return html`<li id="span-${index + 1}"><p class="quoted"><span class="span" style="--hue:${hue}">${text}</span></p>
<p class="quiet">${count === 1 ? 'once' : `${count.toLocaleString('en')} times`} in the corpus; by chance ${powerText(logExpected)} times</p>
<ul class="sources">${sources.map(sourceItem)}${more > 0 && html`<li class="quiet">and ${more.toLocaleString('en')} more</li>`}</ul></li>`;

  function sourceItem({ document, place, before, after }: SpanSource): Html {
    return html`<li><b>${place}</b>${document !== place && html` <code>${document}</code>`} <span class="quiet">…${before}</span>${text}<span class="quiet">${after}…</span></li>`;
  }
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.passage{max-width:46rem;white-space:pre-wrap;line-height:1.75;font-size:1.08rem;overflow-wrap:anywhere}
.span{background:hsl(var(--hue) 85% 86%);color:#111;border-radius:3px;padding:.08em .15em;text-decoration:none}
a.span:hover,a.span:focus-visible{outline:2px solid hsl(var(--hue) 70% 40%)}
.spans{max-width:52rem;padding-left:1.4rem}.spans>li{margin:0 0 1.6rem}.spans>li:target{outline:2px solid var(--line);outline-offset:.5rem}
.spans p{margin:.2rem 0}.quoted{font-size:1.05rem}
.sources{margin:.4rem 0;padding-left:1.1rem;font-size:.88rem;overflow-wrap:anywhere}.sources li{margin:.25rem 0}
@media print{.span{outline:1px solid #888}}
`;
