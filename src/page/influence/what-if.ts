import type { CalibrationDocument } from '../../influence/calibration/calibration-document.ts';
import type { InfluenceDocument } from '../../influence/influence-document.ts';
import { effectText, signedNumber } from '../../influence/retraining/judge-experiment.ts';
import { isMeasured, textOfF, unitOfF } from '../../influence/text-of-f.ts';
import type { WhatIf } from '../../influence/what-if.ts';
import { type Html, html, verbatim } from '../html.ts';
import { calibrationPlot } from './calibration-plot.ts';

export const whatIfStyle = `
.plot{max-width:38rem;margin:0 0 1.4rem}.plot svg{width:100%;height:auto;font:13px system-ui,sans-serif}.plot text{fill:var(--ink)}.plot .mark-text{fill:var(--quiet);font-size:11px}
.change{white-space:nowrap}.chip.uncalibrated{color:var(--warn-ink);background:var(--warn-ground);border-color:transparent}
`;

/** What could be done: effects in nats where they were calibrated, else ranks that say so. */
export function whatIfSection(document: InfluenceDocument): Html {
  const { whatIfs, calibration } = document;
  if (whatIfs.length === 0) return html``;
  const f = textOfF(document);
  const isGap = isMeasured(document.query) && document.query.kind === 'gap';
  const chip = calibration ? html`` : html` <span class="chip uncalibrated">uncalibrated</span>`;
  const about = calibration
    ? html`Change of the ${f} after retraining, with 95 % intervals for the mean over seeds: the scores times the measured slope below.${isGap ? ' Positive: the gap is narrower.' : ''}`
    : html`In order, the largest rise of the ${f} first. How large the effects are is not known: <code>--calibrate</code> measures it by retraining.`;
  return html`<h2>What if${chip}</h2><p class="quiet">${about}</p>
<div class="scroll"><table class="facts"><tr><th>change</th><th class="number">${calibration ? `effect, ${unitOfF(document)}` : 'rank'}</th><th></th></tr>${whatIfs.map(
    (one) =>
      html`<tr><td class="change">${one.words}</td><td class="number">${effectOf(one)}</td><td class="quiet">${remark(one)}</td></tr>`,
  )}</table></div>${calibration ? calibrationSection(calibration, unitOfF(document)) : html``}`;
}

const effectOf = ({ effect, rank, of }: WhatIf): string => (effect ? effectText(effect, '') : `${rank} of ${of}`);

function remark({ understated, unknown }: WhatIf): string {
  const said = [
    ...(unknown === undefined || unknown === 'uncalibrated' ? [] : [`rank: ${unknown}`]),
    ...(understated ? ['more than 5 % of the rows: the sum says too little, retrain to know'] : []),
  ];
  return said.join('; ');
}

function calibrationSection(calibration: CalibrationDocument, unit: string): Html {
  const { slope, scatter, r2, spearman, bySize, trainings, seeds, queries, removals, command, notes } = calibration;
  const interval =
    slope.low === undefined
      ? ''
      : ` [${Number(slope.low.toPrecision(3))}, ${Number((slope.high ?? 0).toPrecision(3))}]`;
  return html`<h2>Calibration</h2>
<p>Measured changes are <strong>${Number(slope.mean.toPrecision(3))}</strong>${interval} times the predicted ones: R² ${r2.toFixed(2)}${spearman === undefined ? '' : `, Spearman ${spearman.toFixed(2)}`}, scatter ${Number(scatter.toPrecision(2))} ${unit}. ${removals.length} sets of rows were left out, ${trainings} trainings of ${seeds.length} seeds, each against the training of its seed on all rows; ${queries.length === 1 ? 'measured on this query' : `measured on ${queries.length} queries`}.</p>
<div class="plot">${calibrationPlot(calibration)}<p class="quiet">A dot is a set of rows and a query (the first query in colour), the mean over the seeds; larger dots are larger sets. Line: the slope, with its 95 % interval. Dashed: measured as predicted.</p></div>
<div class="scroll"><table class="facts"><tr><th class="number">rows left out</th><th class="number">slope of these alone</th><th class="number">scatter, ${unit}</th></tr>${bySize.map(
    ({ rows, slope: own, scatter: rest }) =>
      html`<tr><td class="number">${rows}</td><td class="number">${signedNumber(own)}</td><td class="number">${Number(rest.toPrecision(2))}</td></tr>`,
  )}</table></div>
<p class="quiet">The slope was measured by leaving rows out; relabelling, counting twice and adding are taken to have the same.${notes.map((note) => ` ${note[0].toUpperCase()}${note.slice(1)}.`)} ${command ? html`Made by <code>${verbatim(command)}</code>.` : html``}</p>`;
}
