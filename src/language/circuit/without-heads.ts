import { type ValueEdit, withEdits } from '../../runtime/edit.ts';
import { mapped } from '../../tensor/filled.ts';
import { float32, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { readValues } from '../where/read-values.ts';
import { type AttentionBlock, componentsOf } from './components.ts';

/** A head of a layer, both counted from 0. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

/**
 * The model without some heads: what they mix is their mean over the tokens of some texts. It is an edit of the graph.
 * @param texts tokens of texts over which the mean is taken
 * @throws WhereforeError `unsupported-model` where heads are not values of the graph of their own
 */
export async function withoutHeads(
  language: LanguageModel,
  heads: readonly HeadPlace[],
  texts: readonly (readonly number[])[],
): Promise<LanguageModel> {
  const { attentions } = await componentsOf(language);
  const edits: Record<string, ValueEdit> = {};
  for (const block of attentions) {
    const chosen = heads.filter(({ layer }) => layer === block.layer);
    if (chosen.length === 0) continue;
    const mask = new Uint8Array(block.heads);
    for (const { head } of chosen) mask[head] = 1;
    const where = tensor('bool', [1, block.heads, 1, 1], mask);
    edits[block.mixed] = { kind: 'replace', value: await meanMixed(language, block, texts), where };
  }
  return { ...language, model: withEdits(language.model, edits) };
}

async function meanMixed(
  language: LanguageModel,
  { mixed, heads, size }: AttentionBlock,
  texts: readonly (readonly number[])[],
): Promise<Tensor<'float32'>> {
  const sum = new Float64Array(heads * size);
  let tokens = 0;
  for (const ids of texts) {
    const { values } = await readValues(language, ids, [mixed]);
    const { data } = values.get(mixed) as Tensor<'float32'>;
    const perHead = ids.length * size;
    for (let i = 0; i < data.length; i++) sum[Math.floor(i / perHead) * size + (i % size)] += data[i];
    tokens += ids.length;
  }
  return float32(
    [1, heads, 1, size],
    mapped(Float32Array, sum, (total) => total / tokens),
  );
}
