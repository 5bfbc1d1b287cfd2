import type { MeasuredQuantity } from '../../influence/retraining/retrain-document.ts';
import type { RowView } from '../audit/row-view.ts';
import { type Html, html } from '../html.ts';
import { dotPlot, plotStyle } from '../retrain/dot-plot.ts';
import { rowImage, rowText } from '../row-shown.ts';

/** A row with a few words below it. */
export interface StepImage {
  readonly view: RowView;
  readonly caption: string;
}

/** A step of a chapter: what was done, and what came out. */
export interface PageStep {
  readonly title: string;
  readonly text: string;
  readonly images?: readonly StepImage[];
  /** Trainings with and without a change. */
  readonly plot?: MeasuredQuantity;
  /** The page that shows more, relative to this one. */
  readonly link?: { readonly href: string; readonly text: string };
}

export const stepStyle = `
.steps{list-style:none;counter-reset:step;margin:1.4rem 0 2rem;padding:0;display:grid;grid-template-columns:minmax(0,1fr);gap:1.8rem}
.steps>li{counter-increment:step;border-left:3px solid var(--line);padding-left:1.1rem}
.steps h3{margin-bottom:.3em}.steps h3::before{content:counter(step) ". "}
.steps p{max-width:46rem}
.step-images{list-style:none;display:grid;grid-template-columns:repeat(auto-fill,minmax(5.2rem,1fr));gap:.8rem;margin:.4rem 0 .9rem;padding:0;max-width:62rem}
.step-images img{width:100%;aspect-ratio:1;object-fit:contain;image-rendering:pixelated;border-radius:4px}
.step-images .quiet{line-height:1.3;margin:.3rem 0 0}
${plotStyle}
`;

/** The steps of a chapter, one below the other. */
export function renderSteps(steps: readonly PageStep[]): Html {
  return html`<ol class="steps">${steps.map(
    ({ title, text, images = [], plot, link }) => html`<li><h3>${title}</h3><p>${text}</p>
${images.length > 0 && html`<ul class="step-images">${images.map(({ view, caption }) => html`<li>${view.kind === 'image' ? rowImage(view) : rowText(view)}<p class="quiet">${caption}</p></li>`)}</ul>`}
${plot && html`<div class="plot">${dotPlot(plot)}<p class="quiet">${plot.title[0].toUpperCase()}${plot.title.slice(1)}: change against the training on the rows as they are${plot.unit && `, ${plot.unit}`}; right is better. Dots: seeds. Bars: mean and 95 % interval.</p></div>`}
${link && html`<p><a href="${link.href}">${link.text}</a></p>`}</li>`,
  )}</ol>`;
}
