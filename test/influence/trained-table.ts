import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDataset } from '../../src/data/datasets/open-dataset.ts';
import { loadPreprocessing } from '../../src/data/model/preprocessing-file.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { linear, Network, train, trainingFiles } from '../../src/train/index.ts';
import { clusters } from './softmax-regression.ts';

/** Ids of rows.csv whose label is wrong: the first ten rows of class b are labelled a. */
export const wrongRows: readonly string[] = Array.from({ length: 10 }, (_, i) => `r${2 * i + 1}`);

/** Two clusters of 40 rows as a table of id, u, v, and a label of which some are wrong. */
function writeRows(path: string, seed: number, flipped: readonly string[]): void {
  const { x, y } = clusters(80, 2, 2, seed, 0.7);
  const lines = Array.from(y, (k, i) => {
    const label = flipped.includes(`r${i}`) ? 1 - k : k;
    return [`r${i}`, x.data[2 * i], x.data[2 * i + 1], 'ab'[label]].join();
  });
  writeFileSync(path, `id,u,v,label\n${lines.join('\n')}\n`);
}

/** Writes rows.csv, test.csv and a softmax regression trained on the rows, with what its training left, into a folder. */
export async function writeTrainedTable(folder: string): Promise<void> {
  const at = (name: string) => join(folder, name);
  writeRows(at('rows.csv'), 5, wrongRows);
  writeRows(at('test.csv'), 6, []);
  mkdirSync(at('trained'));
  const yaml = [
    'inputs:',
    '  x:',
    '    kind: table',
    '    columns: [{ name: u, encode: number }, { name: v, encode: number }]',
    'labels: [a, b]',
  ];
  writeFileSync(at('trained/wherefore.yaml'), `${yaml.join('\n')}\n`);
  const network = new Network({ seed: 1 });
  const x = network.input('x', 'float32', ['N', 2]);
  const model = network.build([linear(network, x, 'logits', { features: 2 })]);
  const { preprocessing } = await loadPreprocessing(at('trained/wherefore.yaml'));
  const data = await openDataset(at('rows.csv'), { label: 'label', id: 'id', preprocessing, classes: ['a', 'b'] });
  const runtime = createNodeRuntime({ threads: 1 });
  const options = {
    ...{ model, samples: data, seed: 1, epochs: 30, batchSize: 10, runtime },
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'sgd' },
    schedule: { kind: 'constant', learningRate: 0.2 },
  } as const;
  const files = await trainingFiles(options, await train(options), { ids: await data.ids([...Array(80).keys()]) });
  for (const [name, bytes] of files) writeFileSync(at(`trained/${name}`), bytes);
  await runtime.close();
}
