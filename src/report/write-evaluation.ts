import { join } from 'node:path';
import { writeAtomically } from '../data/files/files.ts';
import { csvCell } from '../data/formats/csv-cell.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { flagText } from '../evaluation/comparison.ts';
import { metrics as metricTable } from '../evaluation/metrics/index.ts';
import type { Evaluation } from '../explain/evaluation/evaluate.ts';
import { type RunOrigin, runRecord } from '../explain/run-record.ts';
import { renderEvaluationPage } from '../page/evaluation/page.ts';
import { jpegPhotograph } from './photograph.ts';

/**
 * Writes `index.html`, `evaluation.json` (the table) and `scores.csv` (a line for each explanation and metric) into the
 * folder that already holds the shards, and `run.json` last: a folder without it is one that was stopped.
 */
export async function writeEvaluation(
  folder: string,
  model: LoadedModel,
  evaluation: Evaluation,
  info: RunOrigin,
): Promise<void> {
  const { comparison, seed, alphaMin, regions } = evaluation;
  await writeAtomically(
    join(folder, 'index.html'),
    await renderEvaluationPage(evaluation, { model: model.name, command: info.command, photograph: jpegPhotograph }),
  );
  await writeAtomically(join(folder, 'evaluation.json'), `${JSON.stringify(comparison, undefined, 2)}\n`);
  await writeAtomically(join(folder, 'scores.csv'), scoresCsv(evaluation));
  const record = runRecord(
    'evaluate',
    model,
    { ...info, seed },
    {
      inputs: evaluation.inputs.map(({ input: { source, hash }, drawnFrom, variant, hasTruth }) => ({
        source,
        hash,
        drawnFrom,
        variant,
        hasTruth,
      })),
      regions,
      alphaMin,
      cost: comparison.cost,
      metrics: comparison.metrics.map((name) => ({
        name,
        direction: metricTable[name].direction,
        ...verdictOf(comparison, name),
      })),
    },
  );
  await writeAtomically(join(folder, 'run.json'), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Whether a metric is sound here, why not, and which methods it does not put above a control. */
function verdictOf({ verdicts }: Evaluation['comparison'], name: string) {
  const found = verdicts.find(({ metric }) => metric === name);
  return {
    judgedBy: found?.judgedBy,
    sound: found?.sound,
    flags: found?.flags.map((flag) => flagText(flag)),
    indistinguishable: found?.indistinguishable,
    below: found?.below,
  };
}

function scoresCsv({ comparison }: Evaluation): string {
  const lines = comparison.rows.flatMap((row) =>
    comparison.metrics.flatMap((metric) =>
      (row.values[metric] ?? []).flatMap((score, input) =>
        score === undefined
          ? []
          : [[...[row.id, metric, comparison.inputs[input]].map(csvCell), String(score)].join(',')],
      ),
    ),
  );
  return `${['row,metric,input,score', ...lines].join('\n')}\n`;
}
