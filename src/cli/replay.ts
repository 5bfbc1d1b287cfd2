import type { Command } from 'commander';
import { loadModel } from '../data/load-model.ts';
import { WhereforeError } from '../errors.ts';
import { replay } from '../report/replay.ts';
import { readExplanation } from '../report/write-run.ts';
import { interruptible } from './failure.ts';
import { type RuntimeOptions, runtimeOf, share, withRuntime } from './options.ts';
import { formatNumber } from './table-text.ts';

interface Options extends RuntimeOptions {
  readonly model?: string;
  readonly anyModel?: boolean;
  readonly tolerance: number;
}

export function defineReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('compute a saved explanation again and compare')
    .argument('<explanation>', 'an explanation .json of a run')
    .option('--model <file>', 'the model; default: the path in the document')
    .option('--any-model', 'compare although the model is another one')
    .option(
      '--tolerance <share>',
      'largest accepted difference of an element, as a share of the largest attribution',
      share,
      1e-4,
    );
  withRuntime(command).action((path: string, options: Options) =>
    interruptible((signal) => run(path, options, signal)),
  );
}

async function run(path: string, options: Options, signal: AbortSignal): Promise<void> {
  const explained = await readExplanation(path);
  const modelPath = options.model ?? explained.document.model.path;
  if (!modelPath)
    throw new WhereforeError('invalid-argument', 'the document does not say where its model lies', {
      where: path,
      fix: 'name it with --model',
    });
  const model = await loadModel(modelPath, runtimeOf(options));
  try {
    const { document } = explained;
    const { attribution, largestDifference, identical, changed } = await replay(model, explained, {
      signal,
      anyModel: options.anyModel,
    });
    console.log(`${document.methodTitle} of the ${document.targetDescription} at ${document.layer.join(' + ')}`);
    console.log(
      `  T   recorded ${formatNumber(document.attributionTarget)}, now ${formatNumber(attribution.attributionTarget)}`,
    );
    console.log(`  sum recorded ${formatNumber(document.sum)}, now ${formatNumber(attribution.sum)}`);
    for (const text of changed) console.log(`  note: ${text}`);
    if (document.scorecard) console.log('  note: the scores are not computed again; explain --score scores anew');
    if (identical) console.log('identical in every element');
    else console.log(`largest difference of an element: ${formatNumber(largestDifference)} of the largest attribution`);
    if (largestDifference > options.tolerance) {
      throw new WhereforeError('out-of-range', 'the explanation is not reproduced', {
        got: `difference ${formatNumber(largestDifference)}`,
        expected: `at most ${options.tolerance}`,
        fix: 'check the model, the versions and the recorded parameters',
      });
    }
  } finally {
    await model.close();
  }
}
