import { divergingColour } from './colour-map.ts';
import type { Explained } from './explained.ts';
import type { FeatureShare, Features } from './features.ts';
import { type Html, html } from './html.ts';
import { numberText, signedText } from './number-text.ts';

/** Bars shown at most: more are added up in one. */
const mostBars = 16;

/** A sequence as coloured cells, and for every explanation of features the way from f(x₀) to f(x) in signed bars. */
export function renderFeatures(explained: Explained, features: Features): Html {
  return html`<figure class="features">
${features.kind === 'sequence' && cells(features)}
${bars(explained, features)}
${features.notes.map((note) => html`<p class="quiet">${note}.</p>`)}
</figure>`;
}

function cells({ shares }: Features): Html {
  const largest = Math.max(...shares.map(({ share }) => Math.abs(share)), Number.MIN_VALUE);
  return html`<p class="cells" aria-label="The parts in order, coloured by their share">${shares.map(
    ({ name, text, share }) => {
      const value = share / largest;
      const colour = divergingColour(value).join(' ');
      // The end colours need white letters; the middle of the scale is pale.
      return html`<span class="cell" style="background:rgb(${colour});color:${Math.abs(value) > 0.55 ? '#fff' : '#1a1a1a'}" title="${name} ${signedText(share)}">${text ?? name}<small>${signedText(share, 2)}</small></span> `;
    },
  )}</p>`;
}

interface Bar {
  readonly name: string;
  readonly text?: string;
  readonly from: number;
  readonly to: number;
  readonly kind: 'total' | 'share' | 'rest';
}

/** The running total from the baseline's output to the input's, largest share first. */
function barsOf({ document }: Explained, { shares }: Features): Bar[] {
  const order = [...shares].sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
  const shown = order.slice(0, order.length > mostBars ? mostBars - 1 : mostBars);
  const others = order.slice(shown.length);
  const list: FeatureShare[] = [...shown];
  if (others.length > 0)
    list.push({ name: `${others.length} others together`, share: others.reduce((sum, { share }) => sum + share, 0) });
  const start = document.baselineValue ?? 0;
  const bars: Bar[] = [];
  if (document.baselineValue !== null)
    bars.push({
      name: 'f(x₀)',
      text: document.baselineDescription ?? undefined,
      from: start,
      to: start,
      kind: 'total',
    });
  let total = start;
  for (const { name, text, share } of list) {
    bars.push({ name, text, from: total, to: total + share, kind: 'share' });
    total += share;
  }
  if (document.baselineValue === null) return bars;
  const rest = document.value - total;
  if (document.relativeError !== null && document.relativeError > 1e-4)
    bars.push({ name: 'not accounted for', from: total, to: total + rest, kind: 'rest' });
  bars.push({ name: 'f(x)', text: 'this input', from: document.value, to: document.value, kind: 'total' });
  return bars;
}

function bars(explained: Explained, features: Features): Html {
  const list = barsOf(explained, features);
  const ends = list.flatMap(({ from, to }) => [from, to]);
  const [least, largest] = [Math.min(...ends), Math.max(...ends)];
  const range = largest - least || 1;
  const place = (value: number) => 2 + (96 * (value - least)) / range;
  const hasText = list.some(({ text }) => text !== undefined);
  return html`<table class="bars"><caption class="unseen">From the baseline’s output to this input’s, largest share first</caption>
<colgroup><col class="name">${hasText && html`<col class="text">`}<col><col class="share"></colgroup>
<thead class="unseen"><tr><th scope="col">feature</th>${hasText && html`<th scope="col">value</th>`}<th scope="col">bar</th><th scope="col">share</th></tr></thead>
<tbody>${list.map(({ name, text, from, to, kind }) => {
    const left = place(Math.min(from, to));
    const width = Math.max(0.4, Math.abs(place(to) - place(from)));
    const colour = kind === 'share' ? (to >= from ? 'positive' : 'negative') : kind;
    return html`<tr class="${kind}"><th scope="row">${name}${text !== undefined && html`<span class="narrow" aria-hidden="true">${text}</span>`}</th>${hasText && html`<td class="text">${text}</td>`}
<td class="track" aria-hidden="true"><span class="${colour}" style="left:${left.toFixed(2)}%;width:${width.toFixed(2)}%"></span></td>
<td class="number">${kind === 'total' ? numberText(to) : signedText(to - from)}</td></tr>`;
  })}</tbody></table>`;
}
