import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Target } from '../attribution/targets/kinds/index.ts';
import { unitOf } from '../attribution/targets/target.ts';
import type { ExplanationDocument } from '../explain/document.ts';
import { meaningOf, promisesSum } from '../explain/meaning.ts';
import { acceptedError, drawsAtRandom, isCutOff, passesRounding, withoutGradients } from '../page/judgement.ts';
import { formatNumber, formatShare, formatTable } from './table-text.ts';
import { visible, visibleAll } from './terminal.ts';

/** What a run found, as text: for each input and target what the model said, then a row for each layer and method. */
export function describeExplained(given: readonly ExplanationDocument[], folder: string): string {
  const documents = visibleAll(given);
  const questions = new Map<string, ExplanationDocument[]>();
  for (const document of documents) {
    const key = JSON.stringify([document.input.source, document.input.hash, document.target]);
    questions.set(key, [...(questions.get(key) ?? []), document]);
  }
  const blocks = [...questions.values()].map((rows) =>
    [describeQuestion(rows), describeRows(rows), ...describeScores(rows)].join('\n'),
  );
  const notes = new Set(
    documents.flatMap((document) => [...document.notes, ...document.gradientNotes.map(({ text }) => text)]),
  );
  if (notes.size) blocks.push([...notes].map((note) => `note: ${note}`).join('\n'));
  const page = `${folder}/index.html`;
  blocks.push(`page: ${page}\n      ${pathToFileURL(page)}`);
  return blocks.join('\n\n');
}

function describeQuestion(rows: readonly ExplanationDocument[]): string {
  const [{ input, prediction, target, targetDescription, baselineDescription }] = rows;
  const lines = [shortSource(input.source)];
  if (prediction) lines.push(`  the model says  ${describePrediction(prediction)}`);
  const unit = unitOf(target as Target);
  lines.push(`  explained       ${targetDescription}${unit ? ` (${unit})` : ''}`);
  const asked = new Set(rows.map(({ baselineDescription }) => baselineDescription));
  if (asked.size === 1) lines.push(`  baseline        ${baselineDescription ?? 'none'}`);
  return lines.join('\n');
}

function describePrediction({ kind, top }: NonNullable<ExplanationDocument['prediction']>): string {
  return top
    .slice(0, kind === 'token-label' ? top.length : 3)
    .map((entry) => {
      const name =
        entry.label && entry.label !== String(entry.index)
          ? `${entry.index} "${entry.label}"`
          : kind === 'token'
            ? `token ${entry.index}`
            : String(entry.index);
      const word = entry.position === undefined ? '' : `${entry.token ?? `token ${entry.position}`}: `;
      const value = kind === 'value' ? formatNumber(entry.value) : formatShare(entry.value);
      return `${word}${kind === 'value' && top.length === 1 ? '' : `${name} `}${value}${entry.anchor === undefined ? '' : ` (anchor ${entry.anchor})`}`;
    })
    .join(', ');
}

/** What tells the rows of a question apart: the layer, the method, and the baseline where there are several. */
function askedColumns(documents: readonly ExplanationDocument[]) {
  const sweeps = new Set(documents.map(({ baselineDescription }) => baselineDescription)).size > 1;
  return {
    head: [...(sweeps ? ['  baseline'] : []), '  layer', 'method'],
    of: ({ baselineDescription, layer, explained, method }: ExplanationDocument) => [
      ...(sweeps ? [`  ${baselineDescription ?? 'none'}`] : []),
      `  ${layer.every((name) => explained.includes(name)) ? 'input' : layer.join(' + ')}`,
      method,
    ],
  };
}

function describeRows(documents: readonly ExplanationDocument[]): string {
  const { head, of } = askedColumns(documents);
  const sampled = documents.some(({ relativeStandardError }) => relativeStandardError !== undefined);
  const rows = documents.map((document) => [
    ...of(document),
    formatNumber(document.attributionTarget),
    promisesSum(document) ? formatNumber(document.sum) : '–',
    formatShare(document.relativeError),
    ...(sampled ? [uncertainty(document)] : []),
    verdict(document),
  ]);
  return formatTable([[...head, 'T', 'sum', 'error', ...(sampled ? ['std. error'] : []), ''], ...rows]);
}

/** The largest standard error of a method that samples, relative to its largest value. */
function uncertainty({ relativeStandardError }: ExplanationDocument): string {
  return relativeStandardError === undefined ? '–' : formatShare(relativeStandardError);
}

/** One line of scores for each explanation that has a scorecard. */
function describeScores(documents: readonly ExplanationDocument[]): string[] {
  const scored = documents.flatMap((document) =>
    document.scorecard ? [{ document, entries: document.scorecard.entries }] : [],
  );
  if (scored.length === 0) return [];
  const asked = askedColumns(documents);
  const shown = scored[0].entries.filter(({ metric }) => metric !== 'attribution-error');
  const head = shown.map(
    ({ title, direction }) => `${title.replace(/ \(.*necessity\)$/, '')} ${direction === 'higher' ? '↑' : '↓'}`,
  );
  const rows = scored.map(({ document, entries }) => [
    ...asked.of(document),
    ...shown.map(({ metric }) => {
      const entry = entries.find((other) => other.metric === metric);
      return entry ? formatNumber(entry.score) : '–';
    }),
  ]);
  const warnings = new Set(scored.flatMap(({ document }) => document.scorecard?.warning ?? []));
  return [
    '  scores',
    formatTable([[...asked.head, ...head], ...rows]),
    ...[...warnings].map((text) => `  warning: ${text}`),
  ];
}

function verdict(document: ExplanationDocument): string {
  if (!promisesSum(document)) return `${meaningOf(document).what}: promises no sum`;
  if (!document.isCut) {
    const completing = document.completing.join('+');
    return `bypassed: need not add up${completing ? `; --layer ${[...document.layer, completing].join('+')} does` : ''}`;
  }
  if (isCutOff(document) && (document.relativeError ?? 0) > acceptedError)
    return `a gradient is cut off: ${withoutGradients}`;
  if (document.converged === false && passesRounding(document))
    return `gradients pass through rounding: ${withoutGradients}`;
  if (document.converged === false && drawsAtRandom(document)) return 'the model draws at random, see the note';
  if (document.converged === false) return 'not converged: more steps, another layer or baseline';
  return ownTarget(document);
}

/** Of a method that attributes something else than T, what that is, and how far it adds up to it. */
function ownTarget({ implicitTarget, implicitError, implicitBaseline }: ExplanationDocument): string {
  if (implicitTarget == null || implicitError == null || implicitBaseline === null) return '';
  const share = formatShare(implicitTarget === 0 ? null : Math.abs(implicitError / implicitTarget));
  return `attributes ${formatNumber(implicitTarget)} instead: error ${share}`;
}

/** A path by its file name; what is no path as it was written. */
export function shortSource(source: string): string {
  const shown = visible(/[[\]=]/.test(source) ? source : basename(source));
  return shown.length > 60 ? `${shown.slice(0, 59)}…` : shown;
}
