import type { ExplanationDocument } from '../../explain/document.ts';
import type { Explained } from '../../explain/explained.ts';
import { type Figure, figuresOf, inputKey, questionKey } from '../figures.ts';
import type { EncodePhotograph } from '../heat-map.ts';
import { type Html, html } from '../html.ts';
import { pageScript } from '../script.ts';
import { pageShell } from '../shell.ts';
import { modelWords, renderAnswer } from './answer.ts';
import { renderCard } from './card.ts';
import { type PageImages, pageImages } from './images.ts';
import { renderLayers } from './layers.ts';
import { renderInput, renderQuestion } from './question.ts';
import { renderScoreTable } from './scorecard.ts';
import { type PageStep, renderSteps, stepStyle } from './steps.ts';
import { renderSummary } from './summary.ts';
import { renderSweep, sweepsOf } from './sweep.ts';

/** A chapter of a page: its own words before some of the explanations. */
export interface PageSection {
  readonly title: string;
  /** Paragraphs, separated by blank lines. */
  readonly text?: string;
  /** What was done one after the other, shown before its explanations. */
  readonly steps?: readonly PageStep[];
  /** Indices of its explanations. */
  readonly items: readonly number[];
  /** Shows title and text only, until a reader opens it. */
  readonly folded?: boolean;
}

export interface PageOptions {
  /** Default: what is explained of which model. */
  readonly title?: string;
  /** Paragraphs, separated by blank lines. Default: how to read the page. */
  readonly introduction?: string;
  /** Default: one section for all. Explanations that no section names come last. */
  readonly sections?: readonly PageSection[];
  /** What was asked for in passing and makes no sense, each with the reason. */
  readonly leftOut?: readonly string[];
  /** How photographs are packed; default PNG, in the command JPEG. */
  readonly photograph?: EncodePhotograph;
}

/** How to read a page, in three sentences. */
export const howToRead =
  'A model’s output can only be explained as a difference: between its output for this input, f(x), and its output for a baseline, f(x₀), which stands for “nothing there”. ' +
  'Each map below attributes this difference, T = f(x) − f(x₀): red positions raised the output, blue ones lowered it, and all attributions together (ΣA) should add up to T. ' +
  'The attribution error E = |ΣA − T| says how far that holds: read a map with a large error as an illustration, and ask another baseline if “instead of what?” has another answer for you.';

/** A page's default title: what is explained, and of which model. */
export function pageTitle(explained: readonly Explained[]): string {
  const models = new Set(explained.map(({ document }) => modelWords(document.model)));
  const inputs = new Set(explained.map((one) => inputKey(one)));
  const documents = explained.map(({ document }) => document);
  const who = models.size === 1 ? [...models][0] : `${models.size} models`;
  const verb = models.size === 1 ? 'says' : 'say';
  if (inputs.size !== 1)
    return `Why ${who} ${verb} what ${models.size === 1 ? 'it says' : 'they say'} of ${inputs.size} inputs`;
  const [{ input, prediction, target }] = documents;
  const source = input.groups?.kind === 'words' ? `“${shortText(input.source)}”` : fileName(input.source);
  const said = saidOf(documents[0]);
  const asked = askedOf(documents);
  if (prediction?.kind === 'token' && said)
    return `Why ${who} would go on with ${said} after “${shortText(input.source)}”`;
  if (target.kind === 'similarity')
    return `Why ${who} finds ${source} ${documents[0].value < 0.5 ? 'unlike' : 'like'} ${fileName(target.description)}`;
  if (asked && documents.every((one) => one.target.kind === 'boxCoordinate'))
    return `Why ${who} puts the ${asked.includes('” and “') ? 'boxes' : 'box'} of ${asked} where it does in ${source}`;
  if (prediction?.kind === 'detection' && asked) return `Why ${who} finds ${asked} in ${source}`;
  if (asked && said && asked !== said) return `Attribution of ${asked} in ${source} by ${who}`;
  if (prediction?.kind === 'area' && said) return `Why ${who} sees ${said} in ${source}`;
  return `Why ${who} ${verb} ${said ?? 'this'} of ${source}`;
}

/** The classes that are explained, named; undefined where something else is. */
function askedOf(documents: readonly ExplanationDocument[]): string | undefined {
  const names = documents.map(({ target, prediction }) => {
    const entry = prediction?.top.find(({ index, anchor }) =>
      'class' in target ? index === target.class : 'anchor' in target && anchor === target.anchor,
    );
    if (entry) return entry.label?.trim() ? `“${entry.label.trim()}”` : `class ${entry.index}`;
    return 'class' in target ? `class ${target.class}` : undefined;
  });
  const distinct = [...new Set(names)];
  if (distinct.some((name) => name === undefined)) return undefined;
  return distinct.length < 2 ? distinct[0] : `${distinct.slice(0, -1).join(', ')} and ${distinct.at(-1)}`;
}

function saidOf(document: ExplanationDocument | undefined): string | undefined {
  const { kind, top } = document?.prediction ?? { kind: '', top: [] };
  const label = top[0]?.label?.trim();
  if (label) return `“${label}”`;
  return kind === 'probability' && top[0] ? `class ${top[0].index}` : undefined;
}

function shortText(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59).replace(/\s+\S*$/, '')}…` : text;
}

/** The last part of a path; other texts as they are. */
export function fileName(source: string): string {
  return source.split(/[\\/]/).pop() || source;
}

/**
 * One self-contained HTML page for a list of explanations: images are inlined, nothing is fetched, everything is
 * escaped. It reads in light and dark, from 360 pixels wide, without scripts and by ear.
 */
export async function renderPage(explained: readonly Explained[], options: PageOptions = {}): Promise<string> {
  const figures = await figuresOf(explained);
  const title = options.title ?? pageTitle(explained);
  const named = new Set(options.sections?.flatMap(({ items }) => items));
  const rest = explained.map((_, i) => i).filter((i) => !named.has(i));
  const sections: PageSection[] = [...(options.sections ?? [])];
  if (rest.length > 0) sections.push({ title: sections.length > 0 ? 'Other explanations' : '', items: rest });
  const images = pageImages(options.photograph);
  const inputs = grouped(
    explained.map((_, i) => i),
    (i) => inputKey(explained[i]),
  );
  // One input is answered at the top, several each under its own head, and a page with an introduction of its own not at all.
  const answers = options.introduction === undefined && inputs.length > 1;
  const rendered = await Promise.all(
    sections.map((section, i) => renderSection(section, i, { explained, figures, images, answers })),
  );
  const controls = html`<div class="controls" hidden>
<fieldset class="views"><legend class="unseen">Show all maps as</legend>
${['image', 'overlay', 'contour', 'map'].map((view) => html`<button type="button" data-view="${view}">${view}</button>`)}
</fieldset>
<button type="button" data-theme-toggle aria-pressed="false">Dark</button>
</div>`;
  const body = html`<div class="introduction">${options.introduction !== undefined && paragraphs(options.introduction)}
${options.introduction === undefined && inputs.length === 1 && renderAnswer(explained, figures)}
${leftOut(options.leftOut ?? [])}
<details><summary>How to read this page</summary><p>${howToRead}</p></details></div>
${explained.length > 2 && html`<p><a href="#summary">All ${explained.length} explanations in one table</a></p>`}
<div id="content">
${rendered}
</div>
${explained.length > 1 && renderSummary(explained)}`;
  return pageShell({
    title,
    style: sections.some(({ steps }) => steps) ? `${images.css()}${stepStyle}` : images.css(),
    script: pageScript,
    controls,
    skip: html`<a class="skip" href="#content">Skip to the explanations</a>`,
    body,
    madeBy: explained[0]?.document.versions.wherefore ?? '',
  });
}

/** Said at once where it is little, folded where many layers were asked for. */
function leftOut(texts: readonly string[]): Html | undefined {
  if (texts.length === 0) return undefined;
  const list = html`<ul class="notes">${texts.map((text) => html`<li>at ${text}</li>`)}</ul>`;
  return texts.length <= 3
    ? html`<p class="quiet left-out">Left out, because it does not fit:</p>${list}`
    : html`<details class="left-out"><summary>Left out, because they do not fit: ${texts.length} combinations</summary>${list}</details>`;
}

/** More explanations than this, and their maps are not shown channel by channel: the page would grow too large. */
const mostWithChannels = 12;

interface Content {
  readonly explained: readonly Explained[];
  readonly figures: readonly Figure[];
  readonly images: PageImages;
  /** Whether the answer stands under the head of each input. */
  readonly answers: boolean;
}

async function renderSection(section: PageSection, index: number, content: Content): Promise<Html> {
  const { explained, figures } = content;
  const inputs = grouped(section.items, (i) => inputKey(explained[i]));
  const groups = await Promise.all(
    inputs.map(async (members) => {
      const questions = grouped(members, (i) => questionKey(explained[i]));
      const sweeps = sweepsOf(explained, members);
      // What a sweep shows already waits behind it, until a reader wants more.
      const swept = new Set(sweeps.flat());
      const inDetail = questions.filter((items) => items.every((i) => swept.has(i) && figures[i].kind === 'map'));
      const asked = questions.filter((items) => !inDetail.includes(items));
      return html`<section class="input">
${await renderInput(
  explained[members[0]],
  figures[members[0]],
  content.images,
  members.map((i) => explained[i].document.target),
)}
${content.answers && renderAnswer(at(explained, members), at(figures, members))}
${await Promise.all(sweeps.map((items) => renderSweep(explained, figures, items, content.images)))}
${await Promise.all(asked.map((items) => renderItems(items, content)))}
${inDetail.length > 0 && html`<details class="fold"><summary>Each baseline in detail</summary>${await Promise.all(inDetail.map((items) => renderItems(items, content)))}</details>`}
</section>`;
    }),
  );
  return html`<section class="chapter"${section.title ? html` aria-labelledby="chapter-${index}"` : undefined}>
${section.title && html`<h2 class="chapter-title" id="chapter-${index}">${section.title}</h2>`}
${section.text && paragraphs(section.text)}
${section.steps && renderSteps(section.steps)}
${section.folded ? html`<details class="fold"><summary>${count(section.items.length, 'explanation')}</summary>${groups}</details>` : groups}
</section>`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

async function renderItems(items: readonly number[], { explained, figures, images }: Content): Promise<Html> {
  const shared = sharedNotes(items.map((i) => explained[i].document.notes));
  const cards = await Promise.all(
    items.map((i) =>
      renderCard(explained[i], figures[i], {
        index: i,
        images,
        saidBefore: shared,
        alone: items.length === 1,
        channels: explained.length <= mostWithChannels,
      }),
    ),
  );

  const wide = items.some((i) => figures[i].kind === 'features');
  const kind = `${wide ? ' wide' : ''}${items.length === 1 ? ' one' : items.length === 2 && !wide ? ' two' : ''}`;
  return html`<section class="question">
${await renderQuestion(explained[items[0]], figures[items[0]], images)}
${renderLayers(explained, items)}
${shared.length > 0 && html`<ul class="notes">${shared.map((note) => html`<li>${note}</li>`)}</ul>`}
<div class="cards${kind}">${cards}</div>
${renderScoreTable(explained, items)}
</section>`;
}

/** Notes that all explanations of a question have: said once, above them. */
function sharedNotes(lists: readonly (readonly string[])[]): string[] {
  if (lists.length < 2) return [];
  return [...new Set(lists[0])].filter((note) => lists.every((list) => list.includes(note)));
}

function at<T>(list: readonly T[], indices: readonly number[]): T[] {
  return indices.map((i) => list[i]);
}

/** Lists of indices with the same key, in the order of their first. */
function grouped(items: readonly number[], key: (item: number) => string): number[][] {
  const groups = new Map<string, number[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.values()];
}

function paragraphs(text: string): Html[] {
  return text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim())
    .map((paragraph) => html`<p>${paragraph.trim()}</p>`);
}
