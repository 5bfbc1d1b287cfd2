import type { Explained } from '../explain/explained.ts';
import { promisesSum } from '../explain/meaning.ts';
import type { ExplanationFacts, ToldFeature } from '../language/words/facts.ts';
import { featuresOf } from '../page/features.ts';
import { planesOf } from '../page/signed-map.ts';

const rows = ['top', 'middle', 'bottom'];
const columns = ['left', 'centre', 'right'];

/**
 * What an explanation states, for words: columns, words or positions with their shares; of an image its ninths.
 * @throws WhereforeError `invalid-data` where the document lacks its tensors
 */
export function toldFacts(explained: Explained): ExplanationFacts {
  const { document } = explained;
  const { prediction, target, targetDescription } = document;
  const isProbability = target.kind === 'classProbability';
  const index = 'class' in target ? target.class : undefined;
  const top = prediction?.top ?? [];
  const regions = regionsOf(explained);
  const explainedTop = top.find((one) => one.index === index);
  return {
    model: document.model.name.replace(/\.onnx$/, ''),
    method: document.methodTitle,
    baseline: document.baselineDescription ?? undefined,
    label: explainedTop?.label ?? targetDescription,
    isProbability,
    value: document.value,
    baselineValue: document.baselineValue ?? undefined,
    difference: document.attributionTarget ?? undefined,
    sum: document.sum,
    relativeError: promisesSum(document) ? (document.relativeError ?? undefined) : undefined,
    features: regions ?? listed(explained),
    others: top.flatMap(({ label, value, index: other }) =>
      label === undefined || other === index ? [] : [{ label, value }],
    ),
    kind: regions ? 'regions' : document.input.groups?.kind === 'words' ? 'words' : 'values',
  };
}

function listed(explained: Explained): ToldFeature[] {
  return featuresOf(explained).shares.map(({ name, text, share }) => ({ name, text, share }));
}

/** The shares of the ninths of an image; undefined where the values lie over none. */
function regionsOf(explained: Explained): ToldFeature[] | undefined {
  const found = planesOf(explained);
  if (!found) return undefined;
  const sums = new Float64Array(9);
  for (const { map } of found.planes) {
    const [height, width] = map.shape;
    for (let i = 0; i < map.data.length; i++) {
      const row = Math.floor((3 * Math.floor(i / width)) / height);
      const column = Math.floor((3 * (i % width)) / width);
      sums[3 * row + column] += map.data[i];
    }
  }
  return Array.from(sums, (share, i) => ({ name: regionName(Math.floor(i / 3), i % 3), share }));
}

const regionName = (row: number, column: number): string =>
  row === 1 && column === 1 ? 'the centre' : `the ${rows[row]} ${columns[column]}`;
