import { type Html, html, raw } from './html.ts';
import { contentPolicy } from './policy.ts';
import { pageStyle } from './style.ts';

/** What a page is made of. */
export interface PageShell {
  readonly title: string;
  /** Rules of this page, behind those of all pages. */
  readonly style?: string;
  /** The page's one script, which its policy allows by its hash. */
  readonly script?: string;
  /** What the script reads, as JSON under the id `data`. */
  readonly data?: unknown;
  /** Whether images of the page's own folder are shown as well as those in it. Default false. */
  readonly images?: boolean;
  /** Buttons beside the name at the top. */
  readonly controls?: Html;
  /** A link before everything else, for those who do not see the page. */
  readonly skip?: Html;
  /** What stands below the title. */
  readonly body: Html;
  readonly footer?: Html;
  /** Version that made it. */
  readonly madeBy?: string;
}

/** A page in one file: it holds everything it shows, loads nothing and sends nothing. */
export function pageShell(page: PageShell): string {
  const { title, style = '', script, data, images, controls, skip, body, footer, madeBy } = page;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${contentPolicy(script, { images })}
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(pageStyle())}${raw(style)}</style>
</head>
<body>
${skip}
<header class="top"><p class="mark">Wherefore</p>${controls}</header>
<main>
<h1>${title}</h1>
${body}
</main>
<footer>${footer ?? html`Made by Wherefore ${madeBy}. This page holds everything it shows; nothing is loaded from elsewhere.`}</footer>
${data !== undefined && html`<script type="application/json" id="data">${embedded(data)}</script>`}
${script !== undefined && html`<script>${raw(script)}</script>`}
</body>
</html>
`.html;
}

/** JSON that may stand inside a script element: nothing in it can end the element or begin a comment. */
const embedded = (value: unknown): Html => raw(JSON.stringify(value).replaceAll('<', '\\u003c'));
