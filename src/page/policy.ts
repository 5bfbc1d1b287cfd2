import { Sha256 } from '../tensor/sha256.ts';
import { base64 } from './base64.ts';
import { type Html, raw } from './html.ts';
import { pageScript } from './script.ts';

/**
 * What a page may do: show what it holds and run its one script, told by its hash; nothing else, even if a name of a
 * file had become a piece of the page. Nothing is fetched and nothing is sent. Style attributes carry numbers only.
 * @param script The text of the page's script, letter by letter; none: no script runs.
 * @param options.images Whether images beside the page may be shown. Default: only those in it.
 */
export function contentPolicy(script?: string, { images = false }: { readonly images?: boolean } = {}): Html {
  const scripts = script === undefined ? "'none'" : hashSource(script);
  const rules = [
    "default-src 'none'",
    // The origin of a page that is opened as a file is no "self" to every browser.
    images ? "img-src data: 'self' file:" : 'img-src data:',
    "style-src 'unsafe-inline'",
    `script-src ${scripts}`,
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return raw(`<meta http-equiv="Content-Security-Policy" content="${rules.join('; ')}">`);
}

/** What allows one inline script, letter by letter, in a content security policy: `'sha256-…'`. */
const hashSource = (script: string) => `'sha256-${base64(new Sha256().update(script).digest())}'`;

/**
 * The source of the script of pages, `'sha256-…'`, for the `script-src` of a site that shows them in an `<iframe srcdoc>`,
 * which inherits the site's policy. Without it a page is shown without its switches. It changes with the version.
 */
export const pageScriptHash = (): string => hashSource(pageScript);
