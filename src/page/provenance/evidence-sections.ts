import { effectText } from '../../provenance/verify/verdict.ts';
import type { VerifiedRun } from '../../provenance/verify/verified-run.ts';
import { type Html, html, verbatim } from '../html.ts';

/** What an evidence page pins down beside the item and its sources. */
export interface Evidence {
  /** When it was made, ISO 8601. */
  readonly made: string;
  /** SHA-256 of `index.json`, which names every part of the index by its hash, and of `calibration.json`. */
  readonly index: string;
  readonly calibration: string;
  readonly encoders: readonly { readonly name: string; readonly model: string }[];
  /** A proof by retraining that the item took part in. */
  readonly verified?: VerifiedRun;
}

/** How it was verified: what retraining showed for items of this kind, or that nothing was retrained. */
export function verificationSection({ verified }: Evidence): Html {
  if (!verified)
    return html`<section><h2>How it was verified</h2><p>Not by retraining. Everything above is likeness. What a generator would make without these items is shown by training it again without them: <code>wherefore trace verify</code>; its run can be named here with <code>--verified</code>.</p></section>`;
  const { rows, stratum, items, prompts, seeds, name, images } = verified;
  return html`<section><h2>How it was verified</h2>
<p>The generator was trained again on ${name} (${images.toLocaleString('en')} images), ${seeds} time${seeds === 1 ? '' : 's'} for each row, and asked what the ${items} items of this kind (${stratum}, from ${prompts} prompt${prompts === 1 ? '' : 's'}) cost it. No model was asked that had made any of them.</p>
<div class="scroll"><table class="effects"><thead><tr><th>what was removed or replaced</th><th class="number">cost more than with all data, mean (95 %)</th></tr></thead><tbody>${rows.map(({ arm, effect }) => html`<tr><th scope="row">${arm}</th><td class="number">${effectText(effect)}</td></tr>`)}</tbody></table></div>
<p class="quiet">Positive: the items became less likely. An interval that covers 0 shows nothing. The numbers are means over all prompts of this kind: one prompt cannot show the effect of one image, so no row speaks of this image or of one source alone. <b>traced</b> is what the rankings found, <b>filter</b> as many others with captions as near, <b>swap</b> look-alikes from outside in the place of the traced ones, <b>reseeded</b> another seed and nothing removed.</p></section>`;
}

/** One row of a list of hashes. */
export type HashRow = readonly [what: string, hash: string];

/** The command, and the hashes of everything that the page rests on. */
export function reproductionSection(
  command: string,
  item: readonly HashRow[],
  { made, index, calibration, encoders, verified }: Evidence,
  madeBy: string,
): Html {
  const rows: HashRow[] = [
    ...item,
    ['index.json of the index, which names its parts by their hashes', index],
    ['calibration.json, which says what scores mean', calibration],
    ...encoders.map(({ name, model }): HashRow => [`encoder ${name}`, model]),
  ];
  if (verified)
    rows.push(
      ['verification.json of the retraining', verified.hash],
      ['all that its trainings depend on', verified.key],
    );
  return html`<section><h2>How to reproduce</h2><pre>${verbatim(command)}</pre>${verified && html`<pre>${verbatim(verified.command)}</pre>`}
<p class="quiet">Made on ${made.replace('T', ', ').replace(/\..*/, ' UTC')} by Wherefore ${madeBy}. The same files give the same page: nothing in it is drawn by chance but what the seeds in these commands fix.</p>
<table class="hashes"><caption>SHA-256 of everything that this page rests on</caption><tbody>${rows.map(([what, hash]) => html`<tr><th scope="row">${what}</th><td><code>${hash}</code></td></tr>`)}</tbody></table></section>`;
}
