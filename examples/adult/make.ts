import { join } from 'node:path';
import {
  formatPreprocessing,
  type Table,
  type TableInput,
  tableInputFor,
  tableRows,
  tableTensor,
  withoutColumns,
  writeAtomically,
} from '../../src/data/index.ts';
import { splitIndices } from '../../src/dataset/select.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { int64, type Tensor } from '../../src/tensor/tensor.ts';
import { activation, datasetOf, linear, Network, train } from '../../src/train/index.ts';
import { classes, leftOut, readAdult, shown } from './columns.ts';

export interface AdultOptions {
  /** `adult.data` of the UCI repository. */
  readonly data: string;
  /** Folder for `adult.onnx`, `wherefore.yaml` and `adult.csv`, the rows that were not trained on. */
  readonly out: string;
  readonly runtime: Runtime;
  /** Rows to use; default all 32,561. */
  readonly rows?: number;
  readonly epochs?: number;
  readonly seed?: number;
  readonly say?: (text: string) => void;
}

/** Trains a small network on the Adult data and writes it with everything that an explanation needs. */
export async function makeAdult(options: AdultOptions): Promise<{ readonly accuracy: number }> {
  const { data, out, runtime, epochs = 6, seed = 1 } = options;
  const table = await readAdult(data);
  const [training, heldOut] = splitIndices(Math.min(options.rows ?? table.rowCount, table.rowCount), 0.8, seed);
  const features = withoutColumns(tableRows(table, training), [...leftOut]);
  const input = described(tableInputFor(features).input);
  const samples = (rows: ArrayLike<number>) =>
    datasetOf({ person: tableTensor(table, input, rows) as Tensor }, { labels: incomes(table, rows) });
  const [width] = (tableTensor(table, input, [0]) as Tensor).shape.slice(1);
  const { model, history } = await train({
    model: adultNetwork(width, seed),
    samples: samples(training),
    evaluate: samples(heldOut),
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'adamw', weightDecay: 0.01, decayed: 'matrices' },
    schedule: { kind: 'cosine', learningRate: 0.003, warmUp: 10 },
    epochs,
    batchSize: 256,
    seed,
    runtime,
    onProgress: ({ epoch, loss, evaluation }) => {
      if (evaluation)
        options.say?.(
          `epoch ${epoch}: loss ${loss.toFixed(3)}, held out ${evaluation.loss.toFixed(3)}, accuracy ${evaluation.accuracy?.toFixed(3)}`,
        );
    },
  });
  await writeAtomically(join(out, 'adult.onnx'), encodeModel(model));
  await writeAtomically(
    join(out, 'wherefore.yaml'),
    formatPreprocessing({
      task: 'classification',
      inputs: { person: input },
      outputs: { logits: { kind: 'logits' } },
      labels: [...classes],
    }),
  );
  await writeAtomically(
    join(out, 'adult.csv'),
    csvOf(tableRows(withoutColumns(table, ['weight', 'education']), heldOut)),
  );
  return { accuracy: history.epochs.at(-1)?.evaluation?.accuracy ?? Number.NaN };
}

/** Two hidden layers. */
function adultNetwork(width: number, seed: number): OnnxModel {
  const network = new Network({ name: 'adult', seed });
  const x = network.input('person', 'float32', ['N', width]);
  const first = activation(network, linear(network, x, 'hidden1', { features: 64 }), 'hidden1.relu', 'relu');
  const second = activation(network, linear(network, first, 'hidden2', { features: 32 }), 'hidden2.relu', 'relu');
  return network.build([linear(network, second, 'logits', { features: classes.length })]);
}

/** The columns with what they are called; countries that occur only outside the training rows are no mistake. */
function described(input: TableInput): TableInput {
  return {
    ...input,
    columns: input.columns.map((column) => ({
      ...column,
      ...shown[column.name],
      ...(column.encode === 'onehot' ? { unknown: 'zeros' as const } : {}),
    })),
  };
}

function incomes(table: Table, rows: ArrayLike<number>): Tensor {
  const column = table.columns.find(({ name }) => name === 'income');
  return int64(
    [rows.length],
    Array.from(rows, (row) => (column?.values[row] === '>50K' ? 1 : 0)),
  );
}

function csvOf(table: Table): string {
  const header = table.columns.map(({ name }) => name).join(',');
  const lines = Array.from({ length: table.rowCount }, (_, row) =>
    table.columns.map(({ values }) => values[row] ?? '').join(','),
  );
  return `${[header, ...lines].join('\n')}\n`;
}
