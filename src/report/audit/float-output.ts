import { WhereforeError } from '../../errors.ts';
import type { Model } from '../../runtime/model.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { sizeOf } from '../../tensor/tensor.ts';

/** The output to read, and the numbers that it has for one row. @throws WhereforeError `unknown-name` */
export async function floatOutput(
  model: Model,
  inputs: Tensors,
  wanted: string | undefined,
): Promise<{ readonly name: string; readonly count: number }> {
  const { graph, facts } = await model.executor.specialise(model.graph, inputs);
  const names = graph.outputs.map(({ name }) => name);
  const name = wanted ?? names.find((one) => facts.types.get(one) === 'float32' && facts.shapes.has(one));
  const shape = name === undefined ? undefined : facts.shapes.get(name);
  if (!name || !shape || !names.includes(name))
    throw new WhereforeError(
      'unknown-name',
      wanted ? `the model has no output "${wanted}"` : 'the model has no output of floats',
      {
        got: names.map((one) => `"${one}" ${facts.types.get(one) ?? 'a sequence or map'}`).join(', '),
        fix: 'name one of the outputs of floats',
      },
    );
  return { name, count: sizeOf(shape) / Math.max(1, shape[0] ?? 1) };
}
