import { unprocessImage } from '../../data/inputs/image-input.ts';
import { answerText } from '../../evaluation/answer.ts';
import { type ComparedRow, type Comparison, flagText, type MetricVerdict } from '../../evaluation/comparison.ts';
import { doubtfulMethods, doubtText } from '../../evaluation/doubtful.ts';
import { metrics as metricTable } from '../../evaluation/metrics/index.ts';
import type { JudgedBy } from '../../evaluation/metrics/metric.ts';
import type { Interval } from '../../evaluation/statistics.ts';
import type { EvaluatedInput, Evaluation } from '../../explain/evaluation/evaluate.ts';
import { packageVersion } from '../../explain/version.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { filled } from '../../tensor/filled.ts';
import { float32 } from '../../tensor/tensor.ts';
import { cssColour, divergingColour, inkOn } from '../colour-map.ts';
import type { Frame } from '../frame.ts';
import { dataUri, type EncodePhotograph, overlayImage } from '../heat-map.ts';
import { type Html, html, verbatim } from '../html.ts';
import { numberText, signedText } from '../number-text.ts';
import { pageShell } from '../shell.ts';
import { layOver, scaleLimit } from '../signed-map.ts';
import { frontSvg } from './front.ts';
import { profileStyle, profileSvg } from './profile.ts';

export interface EvaluationPageOptions {
  /** How photographs are packed; default PNG. */
  readonly photograph?: EncodePhotograph;
  /** The model's name. */
  readonly model: string;
  readonly command?: string;
}

const howToRead =
  'Each line is a method, each column a metric with the mean over all inputs and its 95 % bootstrap interval. An arrow says whether higher (↑) or lower (↓) is better; the best method of a column is bold. ' +
  'Quality is the mean, over the sound metrics, of the share of the other methods that a method beats.';

const howControlsJudge =
  'Three more explanations run along and judge the metrics: what the methods agree on (their consensus), its opposite, and a random one. A metric is sound here where it puts the consensus above both of the others beyond chance: scores on the same inputs in pairs, two-sided bootstrap, .05, Holm’s correction. A metric that fails this check has no part in quality. ' +
  'A method that a sound metric does not put above the wrong controls is named: by that metric, and as far as these inputs can tell, it says no more than noise.';

/** One self-contained HTML page for a comparison: the table, the front of quality against cost, rank agreement, examples. */
export async function renderEvaluationPage(
  evaluation: Evaluation,
  { model, command, photograph }: EvaluationPageOptions,
): Promise<string> {
  const { comparison } = evaluation;
  const count = comparison.inputs.length;
  const title = `How good are explanations of ${model}?`;
  const body = html`<div class="introduction"><p>${comparison.rows.filter(({ control }) => !control).length} explanations of ${countText(evaluation)} by ${comparison.metrics.length} metrics.</p><p>${howToRead}</p></div>
<p class="verdict">${answerText(comparison.answer, new Set(comparison.sources).size, titleIn(comparison))}</p>
${warnings(evaluation)}
<section><h2>Scores</h2>${scoreTable(comparison)}</section>
<section><h2>What the controls say of the metrics</h2>
<p>${howControlsJudge}</p>
${verdictTable(comparison)}</section>
<section><h2>Quality against cost</h2>
<p>Up and to the left is better. Methods on the line are not beaten in both by any other.</p>
<div class="scroll" role="region" aria-label="Quality against cost" tabindex="0">${frontSvg(comparison.rows)}</div></section>
${profiles(evaluation)}
<section><h2>Do the metrics agree?</h2>
<p>Kendall’s τ between the orders in which two metrics put the methods: 1 is the same order, −1 the opposite, 0 none.</p>
${agreementTable(comparison)}</section>
<section><h2>Best and worst example of each method</h2>
<p>By ${metricTable[comparison.exampleMetric].title}. Scores are no substitute for looking. ${evaluation.inputs.some(({ input }) => input.image) ? 'Red is positive attribution, blue negative; every image has a scale of its own.' : 'Values above 0 are positive attribution, those below negative.'}</p>
${await examples(evaluation, photograph)}</section>
${failures(comparison)}
<section><h2>What was measured</h2>${metricList(comparison)}
<p class="quiet">${settingsText(evaluation)} ${comparison.cost.forward.toLocaleString('en')} forward and ${comparison.cost.backward.toLocaleString('en')} backward passes in ${Math.round(comparison.cost.seconds)} s; ${comparison.cost.reused} of ${comparison.rows.length * count} results were found from before.</p>
${command && html`<pre>${verbatim(command)}</pre>`}</section>`;
  return pageShell({ title, style, body, madeBy: packageVersion });
}

const style = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.scores table{font-size:.82rem;min-width:58rem}.scores thead th+th{width:1%}.scores tbody th{max-width:13rem}
.scores th,.scores td{padding:.35em .5em .35em 0;border-bottom:1px solid var(--line);overflow-wrap:normal;vertical-align:top}
.scores thead th{color:var(--quiet);font-size:.78rem}
.scores .unsound{text-decoration:line-through}.introduction+.chips{margin-bottom:1.6rem}
.scores td b{font-weight:700}
.scores small{display:block;color:var(--quiet);white-space:nowrap}
.control th,.control td{color:var(--quiet);font-style:italic}
.verdict{font-size:1.15rem;font-weight:600;max-width:46rem}
.front{max-width:46rem;width:100%;height:auto}
.front text{font:12px system-ui,sans-serif;fill:var(--ink)}.front .axis{fill:var(--quiet)}.front .grid{stroke:var(--line)}
.front .best{fill:var(--accent)}.front .other{fill:var(--total)}.front .line{fill:none;stroke:var(--accent);stroke-width:1.5}
.agreement td{text-align:center;min-width:3.2em;font-size:.8rem;padding:.3em}
.agreement th{font-size:.8rem}
.agreement thead th{writing-mode:vertical-rl;transform:rotate(180deg);height:11em}
.examples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:1.2rem}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.6rem}
.pair img{width:100%;border-radius:4px}.pair:has(table){grid-template-columns:1fr;gap:1rem}.pair th,.pair td{padding:.1em .5em .1em 0;font-size:.9rem}
.why{font-size:.84rem}
.verdicts .flag{white-space:nowrap}.verdicts+h3{margin-top:1.6rem}
.verdicts td,.verdicts th{vertical-align:top;padding:.35em .9em .35em 0;border-bottom:1px solid var(--line);font-size:.9rem;overflow-wrap:normal}
.verdicts table{min-width:30rem}
@media (max-width:44rem){.scores tbody th{width:8.2rem;overflow-wrap:anywhere;position:sticky;left:0;background:var(--paper)}.verdicts table,.verdicts tbody,.verdicts tr,.verdicts td,.verdicts th{display:block;min-width:0}.verdicts tr{border-bottom:1px solid var(--line);padding:.4em 0}.verdicts tr td,.verdicts tr th{border:0;padding:.1em 0}}
.scroll>svg{min-width:34rem}.front text{paint-order:stroke;stroke:var(--paper);stroke-width:6px;stroke-linejoin:round}
${profileStyle}`;

/** `24 inputs: 7 images and 17 variants of them, which the intervals draw together` */
function countText({ comparison, inputs }: Evaluation): string {
  const text = `${inputs.length} ${inputs.length === 1 ? 'input' : 'inputs'}`;
  const variants = inputs.filter(({ variant }) => variant !== undefined).length;
  if (variants === 0) return text;
  const images = new Set(comparison.sources).size;
  return `${text} (${inputs.length - variants} images and ${variants} variants: mirrored, cut, brighter or darker; intervals draw the inputs of one of the ${images} images together)`;
}

function settingsText({ seed, baselines, regions, alphaMin, inputs, comparison }: Evaluation): string {
  const parts = [`Seed ${seed}.`, `References: ${baselines.join('; ')}.`];
  if (regions > 1) parts.push(`Metrics move tiles of ${regions} × ${regions} pixels as one.`);
  if (comparison.metrics.some((name) => name.startsWith('msi-'))) {
    const tuned = alphaMin.tunedOn?.map(fileName).join(', ');
    parts.push(`α_min of MSI is ${alphaMin.value}${tuned ? `, tuned on ${tuned}, which are not reported` : ''}.`);
  }
  const known = inputs.filter(({ hasTruth }) => hasTruth).length;
  if (known > 0) parts.push(`Where the object is was given for ${known} of ${inputs.length} inputs.`);
  return parts.join(' ');
}

const titleIn = (comparison: Comparison) => (id: string) => comparison.rows.find((row) => row.id === id)?.title ?? id;

const standings: Readonly<Record<JudgedBy, string>> = {
  consensus: 'sound',
  methods: 'sound',
  definition: 'by definition',
  description: 'describes a map',
};

const standingTexts: Readonly<Record<JudgedBy, string>> = {
  consensus: 'puts what the methods agree on above both wrong controls',
  methods: 'puts a method above the random control',
  definition: 'needs no control: arithmetic on the explanation itself, of methods that promise a sum',
  description: 'says neither right nor wrong, and has no part in quality',
};

/** Whether a metric fails the check against controls; one that is not checked does not. */
const failsCheck = ({ sound, judgedBy }: MetricVerdict) => !sound && judgedBy !== 'description';

function verdictTable(comparison: Comparison): Html {
  const title = titleIn(comparison);
  const line = (verdict: MetricVerdict) => {
    const { metric, judgedBy, flags } = verdict;
    const out = failsCheck(verdict);
    const standing = out ? html`<span class="flag">not sound</span>` : standings[judgedBy];
    const why = out ? flags.map((flag) => flagText(flag, title)).join('; ') : standingTexts[judgedBy];
    return html`<tr><th scope="row">${metricTable[metric].title}</th><td>${standing}</td><td>${why}</td></tr>`;
  };
  const doubtful = doubtfulMethods(comparison);
  return html`<div class="scroll verdicts" role="region" aria-label="What the controls say" tabindex="0"><table><tbody>${comparison.verdicts.map(line)}</tbody></table></div>
${doubtful.length > 0 && html`<h3>What they say of the methods</h3><ul>${doubtful.map((one) => html`<li>${doubtText(one, title, (name) => metricTable[name].title)}</li>`)}</ul>`}`;
}

function profiles({ comparison, alphaMin }: Evaluation): Html | undefined {
  const presets = (['literal', 'tolerant'] as const).filter((preset) => comparison.metrics.includes(`msi-${preset}`));
  const images = presets.map((preset) => profileSvg(comparison.rows, preset, alphaMin.value));
  if (!images.some((image) => image)) return undefined;
  return html`<section><h2>MSI against α_min</h2>
<p>α_min is the lowest value of a mask that counts as chosen. Orders that change along the line rest on that choice; the dotted line is the value in the table. Dashed: controls.</p>
<div class="scroll" role="region" aria-label="MSI against α_min" tabindex="0">${images}</div></section>`;
}

function warnings({ comparison, leftOut }: Evaluation): Html | undefined {
  const failed = comparison.references.filter(({ test }) => test && !test.passes);
  const texts = [
    ...comparison.notes,
    ...(failed.length > 0
      ? [`On ${failed.length} of ${comparison.references.length} inputs ${failed[0].test?.warning}.`]
      : []),
    ...leftOut.map((text) => `Left out: ${text}.`),
  ];
  return texts.length > 0 ? html`<ul class="chips">${texts.map((text) => html`<li>${text}</li>`)}</ul>` : undefined;
}

const verdictOf = ({ verdicts }: Comparison, name: string) =>
  verdicts.find(({ metric }) => metric === name) as MetricVerdict;

const arrow = (name: string) => (metricTable[name].direction === 'higher' ? '↑' : '↓');

function scoreTable(comparison: Comparison): Html {
  const { metrics, rows } = comparison;
  const bestOf = new Map(
    metrics.map((name) => {
      const means = rows.flatMap(({ control, scores }) => (control || !scores[name] ? [] : [scores[name].mean]));
      return [name, metricTable[name].direction === 'higher' ? maxOf(means) : minOf(means)];
    }),
  );
  const head = metrics.map((name) => {
    const verdict = verdictOf(comparison, name);
    const out = failsCheck(verdict);
    return html`<th scope="col" class="${out ? 'unsound' : ''}" title="${out ? verdict.flags.map((flag) => flagText(flag, titleIn(comparison))).join('; ') : metricTable[name].formula}">${metricTable[name].title} ${arrow(name)}</th>`;
  });
  const line = (
    row: ComparedRow,
  ) => html`<tr class="${row.control ? 'control' : ''}"><th scope="row">${row.title}${row.onFront && html` <span class="tag">front</span>`}</th>
${metrics.map((name) => scoreCell(row.scores[name], !row.control && row.scores[name]?.mean === bestOf.get(name)))}
<td>${row.quality === undefined ? '–' : row.quality.toFixed(2)}</td><td>${row.cost ? html`${Math.round(row.cost.passes).toLocaleString('en')}<small>${numberText(row.cost.seconds, 2)} s</small>` : '–'}</td></tr>`;
  return html`<div class="scroll scores" role="region" aria-label="Scores" tabindex="0"><table><caption>Mean over ${comparison.inputs.length} inputs ± half of the 95 % interval</caption>
<thead><tr><th scope="col">Method</th>${head}<th scope="col">Quality</th><th scope="col">Passes</th></tr></thead>
<tbody>${rows.map(line)}</tbody></table></div>`;
}

function scoreCell(interval: Interval | undefined, best: boolean): Html {
  if (!interval) return html`<td>–</td>`;
  const { mean, low, high } = interval;
  const range =
    low === undefined || high === undefined
      ? undefined
      : html`<small title="${numberText(low, 3)} to ${numberText(high, 3)}">± ${halfText(high - low, mean)}</small>`;
  return html`<td>${best ? html`<b>${numberText(mean, 3)}</b>` : numberText(mean, 3)}${range}</td>`;
}

/** Half an interval to two digits; rounding of float32 outputs counts as none. */
function halfText(width: number, mean: number): string {
  return width <= 2e-6 * Math.max(1, Math.abs(mean)) ? '0' : numberText(width / 2, 2);
}

function agreementTable({ metrics, agreement }: Comparison): Html {
  const cell = (value: number | undefined) => {
    if (value === undefined) return html`<td>–</td>`;
    const ground = divergingColour(0.7 * value);
    return html`<td style="background:${cssColour(ground)};color:${inkOn(ground)}">${signedText(value, 2)}</td>`;
  };
  return html`<div class="scroll agreement" role="region" aria-label="Agreement of the metrics" tabindex="0"><table>
<thead><tr><td></td>${metrics.map((name) => html`<th scope="col">${metricTable[name].title}</th>`)}</tr></thead>
<tbody>${metrics.map((name, i) => html`<tr><th scope="row">${metricTable[name].title}</th>${agreement[i].map(cell)}</tr>`)}</tbody></table></div>`;
}

async function examples(evaluation: Evaluation, photograph?: EncodePhotograph): Promise<Html> {
  const { comparison, inputs, maps, mapShapes } = evaluation;
  const metric = comparison.exampleMetric;
  const cards = await Promise.all(
    comparison.rows.map(async (row) => {
      const shown = await Promise.all(
        (['best', 'worst'] as const).map(async (which) => {
          const input = row[which];
          const map = input === undefined ? undefined : maps.get(row.id)?.get(input);
          if (input === undefined || !map) return undefined;
          const score = row.values[metric][input];
          return html`<figure>${await drawn(map, mapShapes[input], inputs[input], evaluation.regions, photograph)}<figcaption>${which}: ${fileName(inputs[input].name)}, ${score === undefined ? '–' : numberText(score, 3)}<br>${inputs[input].targetDescription}</figcaption></figure>`;
        }),
      );
      return html`<article class="card"><h3>${row.title}</h3><div class="pair">${shown}</div></article>`;
    }),
  );
  return html`<div class="examples">${cards}</div>`;
}

const fileName = (source: string): string => source.split(/[\\/]/).pop() || source;

/** The map over its image; the strongest features of anything else. */
async function drawn(
  values: Float32Array,
  shape: readonly number[],
  { input }: EvaluatedInput,
  regions: number,
  photograph: EncodePhotograph | undefined,
): Promise<Html> {
  if (shape.length === 2 && input.image) {
    const [height, width] = input.image.input.size;
    const [tensor] = [...input.tensors.values()];
    const [image] = unprocessImage(tensor, input.image.input).pixels;
    const frame: Frame = {
      image,
      transform: { source: [height, width], grid: [height, width], scale: [1, 1], offset: [0, 0] },
      from: 'seen',
    };
    const map = layOver(
      [{ layer: 'input', map: overPixels(values, shape, [height, width], regions), elsewhere: 0 }],
      frame,
    );
    const pixels = overlayImage(map, scaleLimit(map), frame);
    return html`<img alt="attribution over the image" src="${await dataUri(pixels, 'photograph', photograph)}">`;
  }
  const names = input.groups?.kind === 'words' ? input.groups.texts : (input.groups?.names ?? input.features?.names);
  const order = Array.from(values.keys()).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
  return html`<table>${order.slice(0, 6).map((i) => html`<tr><th scope="row">${names?.[i] ?? `feature ${i}`}</th><td class="number">${signedText(values[i])}</td></tr>`)}</table>`;
}

/** Every pixel with the value of its region, as a share of the region: the sum is kept. */
function overPixels(values: Float32Array, shape: readonly number[], [height, width]: readonly number[], side: number) {
  if (shape[0] === height && shape[1] === width) return float32([height, width], values);
  const spread = filled(new Float32Array(height * width), (i) => {
    const region = Math.floor(Math.floor(i / width) / side) * shape[1] + Math.floor((i % width) / side);
    return values[region] / side ** 2;
  });
  return float32([height, width], spread);
}

function failures({ failures: list, inputs }: Comparison): Html | undefined {
  if (list.length === 0) return undefined;
  const groups = new Map<string, number>();
  for (const { row, metric, why } of list) {
    const key = `${metric ? `${metricTable[metric].title} of ` : ''}${row}: ${why}`;
    groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  return html`<section><h2>What failed</h2><ul class="why">${[...groups].map(([text, count]) => html`<li>${text} (${count} of ${inputs.length} inputs)</li>`)}</ul></section>`;
}

function metricList(comparison: Comparison): Html {
  const item = (name: string) => {
    const { title, formula, assumes, source } = metricTable[name];
    return html`<div><dt>${title} ${arrow(name)}${failsCheck(verdictOf(comparison, name)) && html` <span class="flag">not sound here</span>`}</dt><dd>${formula}. Assumes: ${assumes}. <span class="quiet">${source}</span></dd></div>`;
  };
  return html`<dl class="facts">${comparison.metrics.map(item)}</dl>`;
}
