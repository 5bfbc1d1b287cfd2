import { packageVersion } from '../../explain/version.ts';
import type { WhyDocument } from '../../language/why/why-document.ts';
import { type Html, html } from '../html.ts';
import { pageShell } from '../shell.ts';
import { chartStyle } from './line-chart.ts';
import { sourcesStyle } from './sources-page.ts';
import { whereStyle } from './where-page.ts';
import { whyStyle } from './why-assets.ts';
import { colouredUnits, valuesFor } from './why-page.ts';

/** A question that a model was asked about itself, in short: what came out, a figure of it, and the page with all of it. */
export interface AskedChapter {
  readonly title: string;
  /** Paragraphs: what was asked, and what came out. */
  readonly texts: readonly string[];
  readonly figure: Html;
  /** The page of the command, relative to this one. */
  readonly link: { readonly href: string; readonly text: string };
  readonly command: string;
}

/** Several questions about what language models answered, each with its figure and its own page. */
export function renderAskedPage(page: {
  readonly title: string;
  readonly introduction: readonly string[];
  readonly chapters: readonly AskedChapter[];
}): string {
  const { title, introduction, chapters } = page;
  const body = html`<div class="introduction">${introduction.map((text) => html`<p>${text}</p>`)}</div>
${chapters.map(
  (chapter) => html`<section class="reason"><h2>${chapter.title}</h2>
${chapter.texts.map((text) => html`<p class="finding">${text}</p>`)}
${chapter.figure}
<p><a href="${chapter.link.href}">${chapter.link.text}</a></p><details><summary>The command</summary><pre>${chapter.command}</pre></details></section>`,
)}`;
  return pageShell({
    title,
    style: `${sourcesStyle}${whyStyle}${whereStyle}${chartStyle}${style}`,
    body,
    madeBy: packageVersion,
  });
}

/** The prompt of a reason, coloured by its first method in parts of the kind that was left out. */
export function colouredPrompt(document: WhyDocument): Html {
  const [first] = document.attributions;
  const values = valuesFor(document, first, document.unit) ?? [];
  return html`<p class="prompt">${colouredUnits(document.units[document.unit], values)}<b>${document.answer.text}</b></p>
<p class="quiet">Red: for “${document.answer.text.trim()}”. Blue: for “${document.against?.text.trim() ?? 'anything else'}”. Dashed: always stays. By ${first.title.toLowerCase()}, against ${first.baseline}.</p>`;
}

const style = `
.reason{margin:0}.finding{max-width:46rem}.introduction p{max-width:46rem}
.reason pre{font-size:.8rem}
`;
