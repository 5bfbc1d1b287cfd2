import type { Command } from 'commander';
import { writeAtomically } from '../../data/files/files.ts';
import { findShortcut, type ShortcutDocument } from '../../language/shortcut/shortcut.ts';
import { openTextClassifier } from '../../language/shortcut/text-classifier.ts';
import { renderShortcutPage } from '../../page/language/shortcut-page.ts';
import { interruptible } from '../failure.ts';
import { commandLine, type RuntimeOptions, repeated, runtimeOf, wholeNumber, withRuntime } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { tell, visibleAll } from '../terminal.ts';
import { labelledTexts } from './labelled-texts.ts';
import { numberOption, wordPairs } from './language-options.ts';
import { leaveRun } from './leave-run.ts';

interface ShortcutCommandOptions extends RuntimeOptions {
  readonly model: string;
  readonly tokenizer?: string;
  readonly text: string;
  readonly label: string;
  readonly classes?: string;
  readonly swap?: string[];
  readonly write?: string;
  readonly permutations: number;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineShortcut(language: Command): void {
  const command = withRuntime(
    language
      .command('shortcut')
      .description('which words a classifier of texts goes by, and copies of the texts that take a shortcut away')
      .argument('<texts>', 'a table (.csv, .jsonl, .parquet) with texts and labels')
      .requiredOption('--model <folder>', 'the classifier: a folder with model.onnx and tokenizer.json')
      .option('--tokenizer <file>', 'its tokenizer.json; default: the one in the folder')
      .option('--text <column>', 'the column of texts', 'text')
      .option('--label <column>', 'the column of labels', 'label')
      .option('--classes <names>', "the model's classes in its order, with commas between; default: labels by name")
      .option('--swap <word=other>', 'two words that should make no difference; may be repeated', repeated)
      .option('--write <file>', 'where the texts go together with their swapped copies (.jsonl)')
      .option('--permutations <count>', 'times that labels are permuted', wholeNumber, 100)
      .option('--seed <number>', 'determines how', numberOption, 0)
      .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
      .option('--json', 'print JSON for scripts'),
  );
  command.action((path: string, options: ShortcutCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

async function run(path: string, options: ShortcutCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  const texts = await labelledTexts(path, options);
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  const { model, tokenizer, classes, swap, permutations, seed, write } = options;
  const language = await openTextClassifier(model, { tokenizer, ...runtimeOf(options) });
  try {
    const { document, copies } = await findShortcut(language, texts, {
      classes: classes?.split(',').map((name) => name.trim()),
      swap: swap && [...wordPairs(swap, '--swap')],
      permutations,
      seed,
      signal,
      onProgress: (done, total) => progress.update(done / total, () => `${done} of ${total} texts`),
    }).finally(() => progress.clear());
    if (write !== undefined) {
      const rows = [...texts, ...copies].map(({ text, label }) => JSON.stringify({ text, label }));
      await writeAtomically(write, `${rows.join('\n')}\n`);
      tell(`wrote ${texts.length} texts and ${copies.length} copies to ${write}`);
    }
    const page = renderShortcutPage(document, command);
    await leaveRun(options, { what: 'language shortcut', name: 'shortcut', document, page, command }, () =>
      describe(visibleAll(document)),
    );
  } finally {
    await language.close();
  }
}

/** Rows of the ranking that a terminal shows. */
const shown = 8;

function describe({
  accuracy,
  texts,
  words,
  reported,
  floor,
  classes,
  trivial,
  swap,
  worst,
  copies,
}: ShortcutDocument): string {
  const number = (value: number) => value.toFixed(3);
  const rows = words
    .slice(0, shown)
    .map(({ word, score, attribution, information, texts: count, label, aligned, reported: isReported }) => [
      number(score),
      number(attribution),
      number(information),
      String(count),
      `${Math.round(100 * aligned)} % ${classes[label]}`,
      isReported ? 'above the floor' : '',
      word,
    ]);
  const lines = [
    `${texts} texts, accuracy ${accuracy.toFixed(3)}; ${reported === 0 ? 'no word is' : reported === 1 ? '1 word is' : `${reported} words are`} above the floor of ${number(floor)}\n`,
    formatTable([['score', 'attribution', 'bits', 'texts', 'goes with', '', 'word'], ...rows]),
    `\nfirst by frequency: ${trivial.frequency.join(', ')}; by information: ${trivial.information.join(', ')}; by attribution: ${trivial.attribution.join(', ')}`,
  ];
  if (swap && worst && copies) {
    const [[one, other]] = swap.pairs;
    const { label, holds, accuracy: ofGroup } = worst;
    lines.push(
      `${swap.given ? 'exchanged' : 'proposed to exchange'}: ${swap.pairs.map((pair) => pair.join(' and ')).join('; ')}; ${copies.made} copies`,
      `worst group: ${classes[label]} ${holds ? `with "${one}"` : `without "${one}" (most have "${other}")`}, accuracy ${ofGroup.mean.toFixed(3)} of ${ofGroup.count} texts`,
    );
  }
  return lines.join('\n');
}
