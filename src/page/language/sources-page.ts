import type { Source, SourceRole, SourceUse } from '../../language/sources/source-use.ts';
import { type Html, html } from '../html.ts';
import { pageShell } from '../shell.ts';

/** The page of the use of sources: each source with what it was for, and the numbers behind that. */
export function renderSourcesPage(page: {
  readonly model: string;
  readonly question: string;
  readonly sources: readonly Source[];
  readonly result: SourceUse;
  readonly command: string;
  readonly madeBy: string;
}): string {
  const { model, question, sources, result, command } = page;
  const { answer, withAll, withNone, ignoresSources, floor } = result;
  const body = html`<div class="introduction"><p>${question}</p><p class="answer">${answer}</p>
<p>${ignoresSources ? html`<strong>No source was used:</strong> taking any of them away changes the answer of ${model} by less than ${nats(floor)} nats.` : html`${model} used ${used(result)}.`}</p>
<p class="quiet">The logarithm of the answer's probability is ${nats(withAll)} with all sources and ${nats(withNone)} without any. Differences below ${nats(floor)} nats count as none (1 nat: 2.7 times as probable).</p></div>
<section><h2>The sources</h2>${result.sources.map((role, i) => sourceCard(role, sources[i]))}</section>
<section><h2>What the numbers mean</h2><dl>
<dt>necessity</dt><dd>What the answer loses when this source alone is taken away. A source that another one repeats has none; such pairs are named.</dd>
<dt>sufficiency</dt><dd>What the answer gains from this source alone beside another one alone. Compared with no source at all, a model that ignores its sources would show a gain, too.</dd>
<dt>overlap</dt><dd>Words of the answer that stand in the source. A source may hold the words and not be used, or be used and hold others.</dd>
</dl></section>
<section><h2>How to reproduce</h2><pre>${command}</pre></section>`;
  return pageShell({ title: 'Which source is the answer from?', style: sourcesStyle, body, madeBy: page.madeBy });
}

function used({ sources }: SourceUse): string {
  const names = sources.filter(({ verdict }) => verdict.endsWith('is used')).map(({ id }) => id);
  return names.length > 0 ? names.join(', ') : 'none of them, though some lower its probability';
}

const nats = (value: number): string =>
  value
    .toFixed(2)
    .replace(/^-0\.00$/, '0.00')
    .replace('-', '−');

/** A source with what it was for. */
export function sourceCard(
  { id, necessity, sufficiency, overlap, redundantWith, verdict }: SourceRole,
  { text }: Source,
): Html {
  const kind = verdict.endsWith('is used') ? 'used' : verdict === 'lowers it' ? 'against' : '';
  return html`<article class="source ${kind}"><h3>${id}: ${verdict}</h3><p>${text}</p>
<p class="quiet">necessity ${nats(necessity)}, sufficiency ${nats(sufficiency)} nats, overlap ${Math.round(100 * overlap)} %${redundantWith !== undefined && html`; says the same as ${redundantWith}: either would do`}</p></article>`;
}

/** What the page of sources adds to the style of all pages. */
export const sourcesStyle = `
.answer{font-size:1.3rem;font-weight:600;white-space:pre-wrap}
section{margin:2rem 0}
.source{background:var(--card);border:1px solid var(--line);border-left-width:6px;border-radius:6px;padding:.8em 1.1em;margin:.7rem 0;max-width:52rem}
.source h3{margin:0 0 .3em}
.source p{margin:.2em 0;white-space:pre-wrap}
.source.used{border-left-color:var(--good)}
.source.against{border-left-color:var(--poor)}
dt{font-weight:600}dd{margin:0 0 .6em;max-width:46rem}
pre{white-space:pre-wrap}
`;
