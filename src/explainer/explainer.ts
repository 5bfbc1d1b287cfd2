import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { WhereforeError } from '../errors.ts';
import type { Model } from '../runtime/model.ts';
import { formatShape, int64, sameShape, type Tensor } from '../tensor/tensor.ts';
import { classInput, type ExplainerFacts, explainerFacts, explainerKey, maskOutput } from './explainer-model.ts';

/** A trained explainer that is ready to run. */
export interface Explainer {
  readonly facts: ExplainerFacts;
  /**
   * Masks `[N, 1, H, W]` between 0 and 1 for images and classes, in one run.
   * @throws WhereforeError `out-of-range` for a class that the model lacks, `wrong-shape`
   */
  masks(images: Tensor, classes: readonly number[]): Promise<Tensor<'float32'>>;
}

/** An explainer from its loaded file. @throws WhereforeError `invalid-data` when the file is none */
export function openExplainer(model: Model): Explainer {
  const facts = readFacts(model);
  return {
    facts,
    async masks(images, classes) {
      const { channelAxis, height, width } = facts;
      const [count] = images.shape;
      const channels = images.shape[channelAxis];
      const expected = channelAxis === 1 ? [count, channels, height, width] : [count, height, width, channels];
      if (count !== classes.length || !sameShape(images.shape, expected)) {
        throw new WhereforeError('wrong-shape', 'images for the explainer', {
          got: `${formatShape(images.shape)} and ${classes.length} classes`,
          expected: formatShape(expected),
        });
      }
      const outside = classes.find((index) => !(Number.isInteger(index) && index >= 0 && index < facts.classes));
      if (outside !== undefined) {
        throw new WhereforeError('out-of-range', 'class for the explainer', {
          got: `${outside}`,
          expected: `0 to ${facts.classes - 1}`,
        });
      }
      const feeds = new Map<string, Tensor>([
        [facts.input, images],
        [classInput, int64([count], classes)],
      ]);
      const results = await model.executor.run(model.graph, feeds, [maskOutput]);
      return results.get(maskOutput) as Tensor<'float32'>;
    },
  };
}

function readFacts(model: Model): ExplainerFacts {
  const refuse = (got: string): never => {
    throw new WhereforeError('invalid-data', 'the file is no explainer', {
      where: model.name,
      got,
      fix: 'give the explainer.onnx that `wherefore adapt` wrote',
    });
  };
  const text = model.source.metadata.get(explainerKey);
  if (text === undefined) return refuse(`a model without "${explainerKey}" in its metadata`);
  if (!model.graph.inputs.some(({ name }) => name === classInput))
    return refuse('the model with the explainer beside it');
  const parsed = checked(explainerFacts, JSON.parse(text));
  return parsed.success ? parsed.data : refuse(z.prettifyError(parsed.error));
}

/** @throws WhereforeError `invalid-argument` when an explainer was trained on another model than the one explained */
export function checkExplains({ facts }: Explainer, model: Model): void {
  if (facts.model === model.hash) return;
  throw new WhereforeError('invalid-argument', 'the explainer was trained on another model', {
    where: model.name,
    got: `an explainer of the model ${facts.model.slice(0, 12)}`,
    expected: `one of ${model.hash.slice(0, 12)}`,
    fix: 'train one with `wherefore adapt`',
  });
}
