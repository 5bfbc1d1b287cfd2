import { WhereforeError } from '../../errors.ts';
import { producersOf } from '../../onnx/graph.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { anatomyOf } from '../where/anatomy.ts';

/** Where an MLP writes into the residual stream: `value = key · weight (+ bias)`. */
export interface EditSite {
  readonly layer: number;
  /** What the weights read, `batch × tokens × inner`. */
  readonly key: string;
  /** What the MLP adds to the stream, `batch × tokens × width`. */
  readonly value: string;
}

/**
 * The output projection of a layer's MLP.
 * @throws WhereforeError `out-of-range` for a layer that is not there, `unsupported-model` where it ends in no product
 */
export async function editSite(language: LanguageModel, layer: number): Promise<EditSite> {
  const { contributions, layers } = await anatomyOf(language);
  const found = contributions.find((one) => one.kind === 'mlp' && one.layer === layer);
  if (!found) {
    const none = contributions.every(({ kind }) => kind !== 'mlp');
    throw new WhereforeError(
      none ? 'unsupported-model' : 'out-of-range',
      none ? 'the model has no MLP' : 'there is no MLP in this layer',
      {
        where: language.name,
        ...(!none && { got: String(layer) }),
        expected: none ? 'a model with MLPs' : `0 to ${layers - 1}`,
        fix: none ? 'facts are edited in MLPs; take another model' : 'name another --layer',
      },
    );
  }
  const producers = producersOf(language.model.graph);
  const last = producers.get(found.value);
  const product =
    last?.op === 'Add' ? last.inputs.map((name) => producers.get(name)).find((one) => one?.op === 'MatMul') : last;
  if (product?.op === 'MatMul') return { layer, key: product.inputs[0], value: found.value };
  throw new WhereforeError('unsupported-model', 'this MLP does not end in a product with weights', {
    where: `${language.name}, layer ${layer}`,
    got: last?.op,
    expected: 'MatMul, with a bias or without',
  });
}
