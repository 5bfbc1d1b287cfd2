import { WhereforeError } from '../../errors.ts';
import { intAttribute, type Node, producersOf } from '../../onnx/graph.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
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
  const key = await keyBefore(language, found.value);
  if (key) return { layer, key, value: found.value };
  throw new WhereforeError('unsupported-model', 'this MLP does not end in a product with weights', {
    where: `${language.name}, layer ${layer}`,
    got: producersOf(language.model.graph).get(found.value)?.op,
    expected: 'MatMul or Gemm, with a bias or without',
    fix: 'a norm behind the MLP, as in Gemma 2, is not followed; take another model',
  });
}

/** What the product reads that a value is: behind it may lie a bias, around it changes of shape, as GPT-2 is exported. */
async function keyBefore(language: LanguageModel, value: string): Promise<string | undefined> {
  const { graph, executor } = language.model;
  const producers = producersOf(graph);
  const shaped = (name: string): string => {
    const node = producers.get(name);
    return node && ['Reshape', 'Identity', 'Cast'].includes(node.op) ? shaped(node.inputs[0]) : name;
  };
  const isProduct = (node: Node | undefined) => node?.op === 'MatMul' || node?.op === 'Gemm';
  const last = producers.get(shaped(value));
  const sides = last?.op === 'Add' ? last.inputs.map((name) => producers.get(shaped(name))) : [last];
  const product = sides.find(isProduct);
  if (!product || intAttribute(product, 'transA', 0) !== 0) return undefined;
  const key = shaped(product.inputs[0]);
  // One vector for each token, where a product of flat rows has none.
  const { facts } = await executor.specialise(graph, feedsOf(language, [[1, 2, 3, 4, 5]]));
  return facts.shapes.get(key)?.length === 3 ? key : undefined;
}
