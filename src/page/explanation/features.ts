import type { Explained } from '../../explain/explained.ts';
import { isMean } from '../../explain/meaning.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { divergingColour, inkOn } from '../colour-map.ts';
import type { FeatureShare, Features } from '../features.ts';
import { type Html, html } from '../html.ts';
import { sharesDifference } from '../judgement.ts';
import { numberText, percentText, signedText } from '../number-text.ts';
import { placeText, renderSignal } from './signal.ts';

/** Bars shown at most: more are added up in one. */
const mostBars = 16;

/** A sequence as coloured cells, and for every explanation of features the way from f(x₀) to f(x) in signed bars. */
export function renderFeatures(explained: Explained, features: Features): Html {
  return html`<figure class="features">
${features.signal ? renderSignal(features, features.signal) : features.kind === 'sequence' && cells(explained, features)}
${features.kind === 'set' && reading(explained, features)}
${bars(explained, features)}
${features.notes.map((note) => html`<p class="quiet">${note}.</p>`)}
</figure>`;
}

function cells(explained: Explained, { shares }: Features): Html {
  // Special tokens that are one word are the padding, of which each token says as little as all.
  const tokens = shares.flatMap((share) => (share.special ? [share] : (share.parts ?? [share])));
  return html`${cellsOf(explained, shares)}
${tokens.length > shares.length && html`<details class="tokens"><summary>Token by token</summary>${cellsOf(explained, tokens)}</details>`}`;
}

function cellsOf({ document }: Explained, shares: readonly FeatureShare[]): Html {
  const largest = maxOf([...shares.map(({ share }) => Math.abs(share)), Number.MIN_VALUE]);
  return html`<p class="cells" aria-label="The parts in order, coloured by their share">${shares.map(
    ({ name, text, share, special, parts }) => {
      const value = share / largest;
      const colour = divergingColour(value).join(' ');
      const made = parts?.map((part) => `${part.text ?? part.name} ${signedText(part.share)}`).join(', ');
      const title = `${name} ${signedText(share)}${made ? `: ${made}` : ''}`;
      return html`<span class="cell${special ? ' special' : ''}" style="background:rgb(${colour});color:${inkOn(divergingColour(value))}" title="${title}">${text ?? name}<small>${signedText(share, 2)}</small></span> `;
    },
  )}</p>
<p class="quiet">${sharesDifference(document) ? 'Red parts raised the output, blue ones lowered it' : 'Red parts have values above 0, blue ones below'}; the end colour is ${signedText(largest, 2)}.</p>`;
}

/**
 * What gets a bar of its own: the parts, or stretches of a signal, whose single positions say little. Special tokens, which
 * nobody wrote, share one bar, and need none where nothing is attributed to them.
 */
export function shownShares({ shares, signal, positionName, rate }: Features): readonly FeatureShare[] {
  if (!signal) {
    const special = shares.filter((share) => share.special);
    if (special.length === 0) return shares;
    const share = special.reduce((sum, one) => sum + one.share, 0);
    const written = shares.filter((one) => !one.special);
    return share === 0 ? written : [...written, { name: 'special tokens', share, special: true }];
  }
  const length = Math.ceil(shares.length / mostBars);
  const count = Math.ceil(shares.length / length);
  return Array.from({ length: count }, (_, i) => {
    const positions = shares.slice(i * length, (i + 1) * length);
    const last = i * length + positions.length - 1;
    const seconds = rate !== undefined && `${placeText(i * length, '', rate)} to ${placeText(last + 1, '', rate)}`;
    return {
      name: seconds
        ? seconds
        : positions.length === 1
          ? `${positionName ?? 'position'} ${last}`
          : `${positionName ?? 'positions'} ${i * length}–${last}`,
      share: positions.reduce((sum, { share }) => sum + share, 0),
    };
  });
}

interface Bar {
  readonly name: string;
  readonly text?: string;
  readonly baseline?: string;
  readonly from: number;
  readonly to: number;
  readonly kind: 'total' | 'share' | 'rest';
}

/** The running total from the baseline's output to the input's, largest share first; from 0 each where there is none. */
function barsOf({ document }: Explained, features: Features): Bar[] {
  const order = [...shownShares(features)].sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
  const shown = order.slice(0, order.length > mostBars ? mostBars - 1 : mostBars);
  const others = order.slice(shown.length);
  const list: FeatureShare[] = [...shown];
  const apart = !sharesDifference(document);
  if (others.length > 0 && !isMean(document))
    list.push({ name: `${others.length} others together`, share: others.reduce((sum, { share }) => sum + share, 0) });
  if (apart)
    return list.map(({ name, text, baseline, share }) => ({ name, text, baseline, from: 0, to: share, kind: 'share' }));
  const start = document.baselineValue ?? 0;
  const bars: Bar[] = [
    { name: 'f(x₀)', text: document.baselineDescription ?? undefined, from: start, to: start, kind: 'total' },
  ];
  let total = start;
  for (const { name, text, baseline, share } of list) {
    bars.push({ name, text, baseline, from: total, to: total + share, kind: 'share' });
    total += share;
  }
  const rest = document.value - total;
  if (document.relativeError !== null && document.relativeError > 1e-4)
    bars.push({ name: 'not accounted for', from: total, to: total + rest, kind: 'rest' });
  bars.push({ name: 'f(x)', text: 'this input', from: document.value, to: document.value, kind: 'total' });
  return bars;
}

/** How a waterfall is read, with its own numbers. */
function reading(explained: Explained, { shares }: Features): Html | undefined {
  const { value, baselineValue, baselineDescription } = explained.document;
  if (!sharesDifference(explained.document) || baselineValue === null || baselineDescription === null)
    return html`<p class="quiet">Each bar starts from 0: these values are no shares of a difference, so they do not lead from one output to another.</p>`;
  const { total } = amountsOf(explained);
  return html`<p class="quiet">From top to bottom: the model gives ${total(baselineValue)} for the baseline (${baselineDescription}). Each line raises (red) or lowers (blue) that, until it is the ${total(value)} of this input${shares.some(({ baseline }) => baseline !== undefined) && '; below its value stands what the baseline has there'}.</p>`;
}

/** A share of a probability in points of per cent: `+4.5 pts`. */
function pointsText(share: number): string {
  const points = 100 * share;
  return Math.abs(points) < 0.005 ? '≈ 0 pts' : `${signedText(points, Math.abs(points) < 0.095 ? 1 : 2)} pts`;
}

/** Totals and shares as a person counts them: probabilities in per cent and points. */
export function amountsOf({ document }: Explained): {
  readonly total: (value: number) => string;
  readonly share: (value: number) => string;
} {
  const probability = document.target.kind === 'classProbability';
  return {
    total: probability ? percentText : (value: number) => numberText(value),
    share: probability && sharesDifference(document) ? pointsText : (value: number) => signedText(value),
  };
}

function bars(explained: Explained, features: Features): Html {
  const list = barsOf(explained, features);
  const ends = list.flatMap(({ from, to }) => [from, to]);
  const caption = sharesDifference(explained.document)
    ? 'From the baseline’s output to this input’s, largest share first'
    : 'The values from 0, largest first';
  const [least, largest] = [minOf(ends), maxOf(ends)];
  const range = largest - least || 1;
  const place = (value: number) => 2 + (96 * (value - least)) / range;
  // What only the totals say stands below their names: it needs no column.
  const hasText = list.some(({ text, kind }) => text !== undefined && kind === 'share');
  const amount = amountsOf(explained);
  return html`<table class="bars"><caption class="unseen">${caption}</caption>
<colgroup><col class="name">${hasText && html`<col class="text">`}<col><col class="share"></colgroup>
<thead class="unseen"><tr><th scope="col">feature</th>${hasText && html`<th scope="col">value</th>`}<th scope="col">bar</th><th scope="col">share</th></tr></thead>
<tbody>${list.map(({ name, text, baseline, from, to, kind }) => {
    const value = baseline === undefined ? html`${text}` : html`${text}<span class="aside">${baseline}</span>`;
    const left = place(Math.min(from, to));
    const width = Math.max(0.4, Math.abs(place(to) - place(from)));
    const colour = kind === 'rest' ? 'rest' : to >= from ? 'positive' : 'negative';
    if (kind === 'total') {
      return html`<tr class="total"><th scope="row">${name}${text !== undefined && html`<span class="${hasText ? 'narrow' : 'aside'}"${hasText && html` aria-hidden="true"`}>${text}</span>`}</th>${hasText && html`<td class="text">${text}</td>`}
<td class="track" aria-hidden="true"><span class="total" style="left:${left.toFixed(2)}%;width:${width.toFixed(2)}%"></span></td>
<td class="number">${amount.total(to)}</td></tr>`;
    }
    return html`<tr class="${kind}"><th scope="row">${name}${text !== undefined && html`<span class="narrow" aria-hidden="true">${value}</span>`}</th>${hasText && html`<td class="text">${value}</td>`}
<td class="track" aria-hidden="true"><span class="${colour}" style="left:${left.toFixed(2)}%;width:${width.toFixed(2)}%"></span></td>
<td class="number">${amount.share(to - from)}</td></tr>`;
  })}</tbody></table>`;
}
