import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readModelInputs } from '../../src/data/inputs/read-model-input.ts';
import { loadModel } from '../../src/data/model/load-model.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { float32, type Tensor } from '../../src/tensor/tensor.ts';
import { makeAdult } from '../adult/make.ts';
import { parts, type Subject } from './question.ts';
import { predicted } from './subjects.ts';

/** The table of the Adult example, where its data are present. Trained where it is missing. */
export async function adultSubject(
  folder: string,
  data: string,
  runtime: Runtime,
  count: number,
): Promise<Subject | undefined> {
  const file = join(data, 'adult/adult.data');
  if (!existsSync(file)) return undefined;
  const path = join(folder, 'adult/adult.onnx');
  if (!existsSync(path)) {
    console.log('training on the Adult table');
    await makeAdult({ data: file, out: join(folder, 'adult'), runtime });
  }
  const model = await loadModel(path, { runtime });
  const preprocessing = model.preprocessing?.preprocessing;
  if (!preprocessing) throw new Error('no wherefore.yaml beside the model');
  // Rows far behind those of the mean.
  const rows = `${join(folder, 'adult/adult.csv')}#1000-${999 + count}`;
  const people = (await readModelInputs(model, rows, preprocessing)).map(({ tensors }) => tensors);
  const others = await readModelInputs(model, `${join(folder, 'adult/adult.csv')}#0-255`, preprocessing);
  const mean = meanOf(others.map(({ tensors }) => tensors.get('person') as Tensor<'float32'>));
  const [, width] = mean.shape;
  const [first, second] = ['hidden1.relu', 'hidden2.relu'].map(
    (part) => model.graph.nodes.flatMap(({ outputs }) => outputs).find((name) => name.startsWith(part)) as string,
  );
  const at = (title: string, name: string, size: number) => ({ title, name, groups: () => parts(name, [1, size], 1) });
  return {
    title: 'A table of people',
    description: `Two hidden layers, trained by the run on the Adult rows (\`examples/adult\`). ${people.length} held-out people, ${width} features of 12 columns, the logit of the class that the model says, the mean of 256 other people as the baseline. Methods that perturb hide nine parts of neighbouring features.`,
    model,
    input: 'person',
    inputs: people,
    layout: {},
    targets: await predicted(model, people),
    baseline: { kind: 'input', tensor: mean, description: 'the mean of 256 rows' },
    layers: [at('input', 'person', width), at('hidden1', first, 64), at('hidden2', second, 32)],
    perturbs: true,
    costly: people.length,
  };
}

function meanOf(rows: readonly Tensor<'float32'>[]): Tensor<'float32'> {
  const values = rows[0].data.map((_, i) => rows.reduce((sum, { data }) => sum + data[i], 0) / rows.length);
  return float32(rows[0].shape, values);
}
