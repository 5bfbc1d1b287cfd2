import type { Explained } from '../explain/explained.ts';
import type { PageOptions } from './explanation/page.ts';

export type { PageOptions };

/**
 * One page for explanations: what the model said, a map or a list of features for each, and how far to believe it. What
 * draws is loaded with the first page.
 */
export async function renderPage(explained: readonly Explained[], options: PageOptions = {}): Promise<string> {
  return (await import('./explanation/page.ts')).renderPage(explained, options);
}
