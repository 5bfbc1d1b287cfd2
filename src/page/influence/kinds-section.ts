import type { InfluenceDocument, InfluentialKind } from '../../influence/influence-document.ts';
import { sortedRows } from '../../influence/sorted-rows.ts';
import { type Html, html } from '../html.ts';

export const kindsStyle = `
.kind{border-left:3px solid var(--line);padding:.1rem 0 .1rem 1rem;margin:1rem 0 1.6rem}.kind.helps{border-color:var(--good)}.kind.harms{border-color:var(--poor)}
.kind h3{margin:.2rem 0 .3rem;font-size:1rem}.kind .cards{margin-bottom:.4rem}
`;

/** What a kind of rows does, in words: how many, which part of the effect, what tells them from the data. */
export function kindWords({ helps, count, share, alike, others, marks }: InfluentialKind): {
  readonly title: string;
  readonly facts: string;
} {
  const title = `${count} ${count === 1 ? 'row' : 'rows'}, ${percent(share)} of what ${helps ? 'helps' : 'harms'}`;
  const told = marks.map(
    ({ column, value, share: own, ofData }) =>
      `${percent(own)} ${column} ${value === '' ? 'missing' : value} (of all rows ${percent(ofData)})`,
  );
  const near = others === undefined ? '' : `, ${cosineText(others)} with the nearest other kind`;
  return { title, facts: [...told, `mean cosine ${cosineText(alike)}${near}`].join('; ') };
}

/** Two digits; −0.00 is 0.00. */
const cosineText = (cosine: number) => (Math.round(100 * cosine) / 100 + 0).toFixed(2).replace('-', '−');

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** The strongest rows by why they act. @param cards shows some rows */
export async function kindsSection(
  { kinds, redacted }: InfluenceDocument,
  cards: (rows: InfluentialKind['rows'], kind: string) => Promise<Html>,
): Promise<Html> {
  if (!kinds) return html``;
  const shown = await Promise.all(
    kinds.map(async (kind) => {
      const { title, facts } = kindWords(kind);
      const side = kind.helps ? 'helps' : 'harms';
      return html`<div class="kind ${side}"><h3>${title}</h3><p class="quiet">${facts}.</p>${redacted ? html`` : await cards(kind.rows, side)}</div>`;
    }),
  );
  return html`<h2>Kinds of rows</h2>
<p class="quiet">The strongest rows, which hold ${percent(sortedRows.share)} of what helps and of what harms (${sortedRows.most} each at most), by why they act: rows of one kind change the weights alike, as their preconditioned gradients say. Of each kind the rows that are most like the others.</p>
${shown.length ? shown : html`<p class="quiet">None.</p>`}`;
}
