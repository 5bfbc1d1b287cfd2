import { expect, it } from 'vitest';
import { html, verbatim } from './html.ts';

it('keeps a number with its unit in prose, and leaves what is copied as it is', () => {
  const text = '5 % of <a>';
  expect(html`<p>${text}</p><pre>${verbatim(text)}</pre>`.html).toBe(
    '<p>5\u00a0% of &#60;a&#62;</p><pre>5 % of &#60;a&#62;</pre>',
  );
});
