import { readModelInputs } from '../data/inputs/read-model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { predict } from '../explain/prediction.ts';
import type { TargetChoice } from '../explain/request.ts';
import { toNumbers } from '../tensor/convert.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * The target `similar:INPUT`: the cosine between the model's output for the explained input and for another one.
 * undefined for other targets.
 * @throws WhereforeError as {@link readModelInputs}; `invalid-argument` where INPUT names several
 */
export function similarityTarget(
  text: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<TargetChoice> | undefined {
  if (!text.startsWith('similar:')) return undefined;
  return embed(text.slice('similar:'.length), model, preprocessing);
}

async function embed(source: string, model: LoadedModel, preprocessing: Preprocessing): Promise<TargetChoice> {
  if (source === '') {
    throw new WhereforeError('invalid-argument', '--target similar: nothing to compare with', {
      expected: 'similar:INPUT, e.g. similar:other.png',
    });
  }
  const inputs = await readModelInputs(model, source, preprocessing);
  if (inputs.length !== 1) {
    throw new WhereforeError('invalid-argument', '--target similar: one input to compare with', {
      got: `${inputs.length} inputs`,
      expected: 'similar:INPUT, e.g. similar:other.png',
    });
  }
  const [{ tensors }] = inputs;
  // Of several outputs the one that is said to be an embedding.
  const embedding = Object.keys(preprocessing.outputs).find(
    (name) => preprocessing.outputs[name]?.kind === 'embedding',
  );
  const { summary } = await predict(model, tensors, preprocessing, undefined, { output: embedding });
  const { graph } = await model.executor.specialise(model.graph, tensors);
  const values = (await model.executor.run(graph, tensors, [summary.output])).get(summary.output) as Tensor;
  return {
    kind: 'similarity',
    to: toNumbers(values),
    description: source.split(/[\\/]/).pop() || source,
    output: summary.output,
  };
}
