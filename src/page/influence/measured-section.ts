import { type MeasuredQuery, measureText, unitOf } from '../../influence/slices/measured-query.ts';
import { type Html, html } from '../html.ts';

/** What was measured on the rows of the slices, before anything is changed. */
export function measuredSection(query: MeasuredQuery, classes: readonly string[]): Html {
  const { kind, from, slices } = query;
  const what = measureText(query, classes);
  const knowsRight = slices.some(({ accuracy }) => accuracy !== undefined);
  const said =
    kind === 'slice'
      ? html`<p>Asked: the ${what} in a slice of ${from}.</p>`
      : html`<p>Asked: the gap in the ${what} between two slices of ${from}. It is <strong>${number(slices[1].value - slices[0].value)} ${unitOf(query)}</strong>.</p>`;
  return html`${said}
<table class="facts"><tr><th>slice</th><th class="number">rows</th><th class="number">${what}</th>${knowsRight ? html`<th class="number">accuracy</th>` : html``}</tr>${slices.map(
    ({ filter, rows, value, accuracy }) =>
      html`<tr><th>${filter}</th><td class="number">${rows}</td><td class="number">${number(value)}</td>${knowsRight ? html`<td class="number">${accuracy === undefined ? '' : `${(100 * accuracy).toFixed(1)} %`}</td>` : html``}</tr>`,
  )}</table>`;
}

const number = (value: number): string => String(Number(value.toPrecision(3))).replace('-', '−');
