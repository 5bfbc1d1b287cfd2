import { Sha256 } from '../tensor/sha256.ts';
import { base64 } from './base64.ts';
import { type Html, raw } from './html.ts';

/**
 * What a page may do: show what it holds and run its one script, told by its hash; nothing else, even if a name of a
 * file had become a piece of the page. Nothing is fetched and nothing is sent. Style attributes carry numbers only.
 * @param script The text of the page's script, letter by letter; none: no script runs.
 * @param options.images Whether images beside the page may be shown. Default: only those in it.
 */
export function contentPolicy(script?: string, { images = false }: { readonly images?: boolean } = {}): Html {
  const scripts = script === undefined ? "'none'" : `'sha256-${base64(new Sha256().update(script).digest())}'`;
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
