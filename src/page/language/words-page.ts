import type { CheckedSentence } from '../../language/words/verify.ts';
import { type Html, html } from '../html.ts';
import { pageShell } from '../shell.ts';

/** A text about an explanation: for whom, who wrote it, and its sentences. */
export interface WordsPart {
  readonly title: string;
  readonly author: string;
  readonly sentences: readonly CheckedSentence[];
}

/** The page of an explanation in words; struck sentences stay to be seen, with the reason. */
export function renderWordsPage(page: {
  readonly subject: string;
  readonly parts: readonly WordsPart[];
  readonly command: string;
  readonly madeBy: string;
}): string {
  const struck = page.parts.flatMap(({ sentences }) => sentences).filter(({ status }) => status === 'struck').length;
  const body = html`<div class="introduction"><p class="quiet">${page.subject}</p>
<p>Every sentence is checked against the explanation: its numbers and units, which feature they belong to, which way each feature went, and every name. ${struck > 0 ? html`<strong>${struck} ${struck === 1 ? 'sentence is' : 'sentences are'} struck</strong>, because the explanation does not bear ${struck === 1 ? 'it' : 'them'} out.` : 'None is struck.'}</p></div>
${page.parts.map(part)}
<section><h2>How to reproduce</h2><pre>${page.command}</pre></section>`;
  return pageShell({ title: 'The explanation in words', style, body, madeBy: page.madeBy });
}

const part = ({
  title,
  author,
  sentences,
}: WordsPart): Html => html`<section class="words"><h2>${title}</h2><p class="quiet">${author}</p>
<p class="text">${sentences.map(sentence)}</p></section>`;

const sentence = ({ text, status, problems }: CheckedSentence): Html =>
  status === 'struck' ? html`<del>${text}</del> <span class="why">(${problems.join('; ')})</span> ` : html`${text} `;

const style = `
.words{max-width:46rem;margin:2rem 0}
.text{font-size:1.1rem}
del{color:var(--quiet)}
.why{color:var(--poor);font-size:.84rem}
pre{white-space:pre-wrap}
`;
