import type { Command } from 'commander';
import { columnNamed, type Table } from '../../data/formats/table.ts';
import { readTable } from '../../data/formats/table-file.ts';
import { WhereforeError } from '../../errors.ts';
import {
  type ConceptModelDocument,
  fitConceptModel,
  predictByConcepts,
} from '../../language/concepts/concept-model.ts';
import { parseConcept, proposeConcepts } from '../../language/concepts/propose-concepts.ts';
import { type Concept, modelScorer, wordScorer } from '../../language/concepts/score-concepts.ts';
import type { LabelledText } from '../../language/shortcut/swapped-copies.ts';
import { renderConceptsPage } from '../../page/language/concepts-page.ts';
import { interruptible } from '../failure.ts';
import { commandLine, repeated, wholeNumber } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { tell, visibleAll } from '../terminal.ts';
import { endpointHelp, type LimitOptions, withLimits } from './endpoint-options.ts';
import { numberOption } from './language-options.ts';
import { leaveRun } from './leave-run.ts';
import { linesOf } from './lines.ts';
import { withOpenTextModel } from './text-model-options.ts';

interface ConceptsOptions extends LimitOptions {
  readonly concepts?: string;
  readonly propose?: number;
  readonly model?: string;
  readonly endpoint?: string;
  readonly text: string;
  readonly label: string;
  readonly blackBox?: string;
  readonly most?: number;
  readonly set?: string[];
  readonly without?: string[];
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineConcepts(language: Command): void {
  const command = withLimits(
    language
      .command('concepts')
      .description('a classifier of texts that goes by named concepts alone, which a person can read and change')
      .argument('<texts>', 'a table (.csv, .jsonl, .parquet) with texts and labels')
      .option('--concepts <file>', 'a concept on each line: a phrase, or "polite: please, thank you" with its words')
      .option('--propose <count>', 'let the model name so many concepts', wholeNumber)
      .option(
        '--model <folder or name>',
        'the model that says which text has which concept; default: words are looked up',
      )
      .option('--endpoint <address>', endpointHelp)
      .option('--text <column>', 'the column of texts', 'text')
      .option('--label <column>', 'the column of labels', 'label')
      .option('--black-box <column>', 'a column with the labels that another model gives, to be compared with')
      .option('--most <count>', 'concepts that are kept at most', wholeNumber)
      .option('--set <concept=score>', 'show held-out texts with this concept set; may be repeated', repeated)
      .option('--without <concept>', 'show them without this concept; may be repeated', repeated)
      .option('--seed <number>', 'determines which texts are held out', numberOption, 0)
      .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
      .option('--json', 'print JSON for scripts'),
  );
  command.action((path: string, options: ConceptsOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

async function run(path: string, options: ConceptsOptions, command: string, signal: AbortSignal): Promise<void> {
  checkChoice(options);
  const { text, label, blackBox: column, most, seed, model } = options;
  const kinds = Object.fromEntries([text, label, column ?? label].map((name) => [name, 'text' as const]));
  const table = await readTable(path, { kinds, missing: [''] });
  const [texts, labels] = [text, label].map((name) => columnOf(table, name, path));
  const rows = texts.map((one, i): LabelledText => ({ text: one, label: labels[i] }));
  const given = options.concepts === undefined ? [] : (await linesOf(options.concepts, 'concept')).map(parseConcept);
  const blackBox = column === undefined ? undefined : columnOf(table, column, path);
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  const onProgress = (done: number, total: number) => progress.update(done / total, () => `${done} of ${total} texts`);
  const fit = { most, seed, blackBox, onProgress };
  const asked =
    model === undefined
      ? { result: await fitConceptModel(rows, given, wordScorer(given), fit), used: undefined }
      : await withOpenTextModel({ ...options, model }, signal, async (asking) => {
          const all: Concept[] = [
            ...given,
            ...(options.propose ? await proposeConcepts(asking, rows, options.propose, signal) : []),
          ];
          tell(
            `${all.length} concepts × ${rows.length} texts: ${(asking.access.scores ? 2 : 1) * all.length * rows.length} requests`,
          );
          return fitConceptModel(rows, all, modelScorer(asking, signal), fit);
        }).finally(() => progress.clear());
  progress.clear();
  const document = { ...asked.result, command };
  const edited = editedTexts(document, options);
  const page = renderConceptsPage(document, edited, command);
  const left = { what: 'language concepts', name: 'concepts', document: { ...document, edited }, page, command };
  await leaveRun(options, left, () => describe(visibleAll(document), visibleAll(edited)), asked.used);
}

function checkChoice({ concepts, propose, model, endpoint }: ConceptsOptions): void {
  if (concepts === undefined && propose === undefined) {
    throw new WhereforeError('invalid-argument', 'no concept is given', {
      fix: 'give --concepts concepts.txt, or --propose 12 with --model',
    });
  }
  if (model !== undefined || (propose === undefined && endpoint === undefined)) return;
  throw new WhereforeError('invalid-argument', 'no model is named that could say', { fix: 'add --model' });
}

/** Held-out texts whose class changes with the edit that is asked for. */
export interface EditedTexts {
  readonly words: string;
  readonly changed: readonly { readonly text: string; readonly before: string; readonly after: string }[];
  readonly tried: number;
}

function editedTexts(
  { model, examples }: ConceptModelDocument,
  { set = [], without = [] }: ConceptsOptions,
): EditedTexts | undefined {
  if (set.length + without.length === 0) return undefined;
  const values = Object.fromEntries(set.map(scoreOf));
  const changed = examples.flatMap(({ text, scores, says }) => {
    const { says: after } = predictByConcepts(model, scores, { set: values, without });
    return after === says ? [] : [{ text, before: says, after }];
  });
  const words = [...set.map((one) => one.replace('=', ' = ')), ...without.map((name) => `without ${name}`)].join(', ');
  return { words, changed, tried: examples.length };
}

function scoreOf(text: string): [string, number] {
  const at = text.lastIndexOf('=');
  const score = Number(text.slice(at + 1));
  if (at > 0 && score >= 0 && score <= 1) return [text.slice(0, at), score];
  throw new WhereforeError('invalid-argument', '--set', {
    got: text,
    expected: 'a concept and a score from 0 to 1, as polite=1',
  });
}

function columnOf(table: Table, name: string, where: string): string[] {
  return Array.from(columnNamed(table, name, where).values as ArrayLike<unknown>, (value) => String(value ?? ''));
}

function describe(
  { model, concepts, soft, hard, leakage, blackBox, constant, tested }: ConceptModelDocument,
  edited?: EditedTexts,
): string {
  const number = (value: number) => value.toFixed(2);
  const share = ({ mean, low = Number.NaN, high = Number.NaN }: typeof soft) => [
    mean.toFixed(3),
    `${number(low)} to ${number(high)}`,
  ];
  const used = concepts.filter(({ weights }) => weights.some((weight) => weight !== 0));
  const rows = used.map(({ name, weights, information, coverage, matters }) => [
    ...weights.map(number),
    number(information),
    `${Math.round(100 * coverage)} %`,
    String(matters),
    name,
  ]);
  const measures = [
    ['accuracy on held-out texts', '', '95 % interval'],
    ['by concepts, from 0 to 1', ...share(soft)],
    ['by concepts, yes or no', ...share(hard)],
    ...(blackBox ? [['black box', ...share(blackBox)]] : []),
    ['the most frequent class', constant.toFixed(3), ''],
  ];
  return [
    formatTable([[...model.classes, 'bits', 'texts', 'matters', 'concept'], ...rows]),
    `${concepts.length - used.length === 1 ? '1 concept is' : `${concepts.length - used.length} concepts are`} not used\n`,
    formatTable(measures),
    `leakage ${leakage.toFixed(3)}, of ${tested} texts`,
    ...(edited
      ? [
          `\n${edited.words}: ${edited.changed.length} of ${edited.tried} texts change class`,
          ...edited.changed.map(({ text, before, after }) => `  ${before} → ${after}: ${text}`),
        ]
      : []),
  ].join('\n');
}
