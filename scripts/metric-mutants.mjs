/** The mistakes of mutate-metrics.mjs: each replaces a text that occurs once in a file of src/evaluation. */

/** @typedef {'sign' | 'index' | 'axis' | 'normalisation' | 'comparison' | 'constant'} Kind */
/** @typedef {{ file: string, kind: Kind, find: string, replace: string }} Mutant */

/** By file: what kind of mistake, the text, and what stands there by mistake. @type {Record<string, [Kind, string, string][]>} */
const mistakes = {
  'msi.ts': [
    ['sign', 'curves.insertion[start] - curves.deletion[start]', 'curves.insertion[start] + curves.deletion[start]'],
    ['sign', 'weights.insertion * insertion -', 'weights.insertion * insertion +'],
    ['sign', 'weights.deletion * deletion -', 'weights.deletion * deletion +'],
    ['comparison', 'keep[i] = mask[i] >= threshold', 'keep[i] = mask[i] > threshold'],
    ['comparison', 'if (mask[i] >= threshold) count++', 'if (mask[i] > threshold) count++'],
    ['index', 'confidences[2 * i]]', 'confidences[2 * i + 1]]'],
    ['index', 'const penalty = curves.area[start]', 'const penalty = curves.area[start + 1]'],
    [
      'index',
      'meanUnderCurve(positions, curves.deletion.subarray(start))',
      'meanUnderCurve(positions, curves.deletion)',
    ],
    ['normalisation', 'normalisedConfidence(question, values.get(size) as number)', '(values.get(size) as number)'],
    ['normalisation', '(size) => size / groups)', '(size) => size)'],
    [
      'sign',
      'kept.set(0, question.referenceConfidence).set(groups, question.confidence)',
      'kept.set(0, question.confidence).set(groups, question.referenceConfidence)',
    ],
    ['constant', 'alphaMin + ((1 - alphaMin) * i) / steps', '(alphaMin + i) / steps'],
    ['comparison', 'maxOf(means)', 'minOf(means)'],
    [
      'constant',
      'literal: { separation: 0.5, insertion: 0.5, deletion: 0.5',
      'literal: { separation: 0.5, insertion: 0.5, deletion: 0',
    ],
  ],
  'question.ts': [
    ['sign', '(sign * (value - referenceConfidence)) / range', '(sign * (confidence - value)) / range'],
    ['sign', 'confidence < referenceConfidence ? -1 : 1', 'confidence > referenceConfidence ? -1 : 1'],
    ['sign', 'values: map.values.map((value) => -value)', 'values: map.values'],
    [
      'normalisation',
      'Math.min(1, Math.max(0, (sign * (value - referenceConfidence)) / range))',
      '(sign * (value - referenceConfidence)) / range',
    ],
    ['normalisation', '(output - referenceValue) / difference', 'output - referenceValue'],
    ['sign', '(output - referenceValue) / difference', '(value - output) / difference'],
    [
      'normalisation',
      "return { kind: 'classProbability', class: index, output: named, binary, scale };",
      'return target;',
    ],
    ['constant', 'alone ? 0.5 : 1 / classes', 'alone ? 0.5 : 0'],
    ['sign', '[inputs, referenceInputs].map((tensors)', '[referenceInputs, inputs].map((tensors)'],
  ],
  'reference-test.ts': [
    ['sign', 'chance + tolerance * (1 - chance)', 'chance - tolerance * (1 - chance)'],
    ['comparison', 'if (confidence <= limit)', 'if (confidence >= limit)'],
    ['comparison', 'passes: confidences[i] <= limit', 'passes: confidences[i] > limit'],
  ],
  'perturbation.ts': [
    ['sign', 'b[i] + mask[groupOf[i]] * (x[i] - b[i])', 'x[i] + mask[groupOf[i]] * (b[i] - x[i])'],
    ['sign', "=== 'ascending' ? 1 : -1", "=== 'ascending' ? -1 : 1"],
    ['index', 'if (end - start > 1) result.subarray(start, end).reverse();', ''],
  ],
  'groups.ts': [
    ['axis', 'strides[axes[k]]) % shape[axes[k]]', 'strides[axes[k]]) % shape[k + 1]'],
    ['axis', '* groupStrides[k]', '* groupStrides[axes.length - 1 - k]'],
    ['index', 'let group = offset', 'let group = 0'],
    ['normalisation', '% shape[axes[k]]) / side)', '% shape[axes[k]]))'],
  ],
  'map.ts': [
    ['axis', 'sumsOver(shape, data, last ? [1, 2] : [2, 3])', 'sumsOver(shape, data, last ? [2, 1] : [3, 2])'],
    ['normalisation', 'const share = (h * w) / (height * width)', 'const share = 1'],
    ['index', '((y + 0.5) * h) / height - 0.5', '(y * h) / height'],
    ['axis', 'above * (1 - fy) + below * fy', 'above * fy + below * (1 - fy)'],
    ['normalisation', '(value - least) / range)', 'value - least)'],
    ['index', '.subarray(first), [rows, columns]', ', [rows, columns]'],
  ],
  '../attribution/masking/masked-points.ts': [
    ['sign', 'keep[groupOf[i] + 1] * step', '(1 - keep[groupOf[i] + 1]) * step'],
    ['axis', 'keep[groupOf[i] + 1]', 'keep[i % keep.length]'],
    ['index', 'rows.data as Float32Array, point - start)', 'rows.data as Float32Array, point)'],
    ['constant', 'new Uint8Array(1 + groups).fill(1)', 'new Uint8Array(1 + groups)'],
    ['normalisation', 'chosen.fill(0);', ''],
    ['sign', "'Where', [kept, present, absent]", "'Where', [kept, absent, present]"],
    ['index', 'fill(mask, keep', 'fill(mask - start, keep'],
    ['constant', 'keep[from + groups] = 1', 'keep[from + groups] = 0'],
  ],
  '../attribution/masking/mask-layout.ts': [
    ['index', '(group < 0 ? count : group)', '(group < 0 ? 0 : group)'],
    ['axis', 'row: [outer, count, inner]', 'row: [inner, count, outer]'],
    ['comparison', 'groups.length === count && ', ''],
  ],
  '../attribution/batches.ts': [
    ['index', 'points.at(start, last)', 'points.at(start, end)'],
    ['index', 'rows(tensor, 0, (tensor.shape[0] / count) * held)', 'tensor'],
    ['normalisation', '* stepAt(share);\n}', ';\n}'],
  ],
  'at-once.ts': [
    ['index', 'results[index] = await', 'results[results.length] = await'],
    ['comparison', 'errors.length === 0', 'errors.length >= 0'],
  ],
  'metrics/curves.ts': [
    ['sign', "kind === 'insertion' ? [1, 0] : [0, 1]", "kind === 'insertion' ? [0, 1] : [1, 0]"],
    ['index', 'keep[order[i]] = moved', 'keep[order[i + 1]] = moved'],
    ['sign', "first === 'most' ? descending", "first === 'least' ? descending"],
    ['index', 'Float64Array.from([0, ...counts, groups]', 'Float64Array.from([counts[0] ?? 0, ...counts, groups]'],
    ['index', 'Math.round(((k + 1) * groups) / (steps + 1))', 'Math.round((k * groups) / (steps + 1))'],
    ['sign', "'least',\n  'lower'", "'least',\n  'higher'"],
  ],
  'metrics/erasure.ts': [
    ['sign', 'question.confidence - meanOf(confidences)', 'meanOf(confidences) - question.confidence'],
    ['sign', 'keep[order[i]] = keeps ? 1 : 0', 'keep[order[i]] = keeps ? 0 : 1'],
    ['constant', 'Math.max(1, Math.round(share * order.length))', 'Math.round(share * order.length)'],
  ],
  'metrics/additivity.ts': [
    ['sign', '(output) => question.value - output', '(output) => output - question.value'],
    ['normalisation', 'total > 0 ? error / total : 0, parts', 'total > 0 ? error : 0, parts'],
    ['sign', 'Math.max(0, product / square)', 'product / square'],
    ['normalisation', 'rescale ? (square > 0 ? Math.max(0, product / square) : 0) : 1', '1'],
    ['index', 'shares[Math.floor(k / samples)]', 'shares[Math.floor(k / samples) + 1]'],
    ['index', 'sum += values[set[i]]', 'sum += values[(set[i] + 1) % values.length]'],
    ['index', 'row[set[i]] = 0', 'row[i] = 0'],
    ['index', 'order.slice(0, size)', 'order.slice(order.length - size)'],
    ['index', 'let measured = known.get(draw.key)', 'let [measured] = known.values()'],
    ['index', 'const found = known.sets.get(key)', 'const [found] = known.sets.values()'],
    ['comparison', 'known.seed !== seed', 'known.seed === seed'],
    [
      'sign',
      'difference ?? question.value - question.referenceValue',
      'difference ?? question.value + question.referenceValue',
    ],
    ['normalisation', ' / Math.max(Math.abs(target), smallestTarget)', ''],
    ['index', 'Math.max(1, Math.round(share * groups))', 'Math.max(2, Math.round(share * groups))'],
  ],
  'metrics/confidence.ts': [
    ['normalisation', ' / Math.max(question.confidence, 1e-6)', ''],
    ['comparison', 'masked > question.confidence ? 1 : 0', 'masked < question.confidence ? 1 : 0'],
  ],
  'metrics/concentration.ts': [
    ['index', '(groups - k + 0.5) / groups', '(groups - k - 0.5) / groups'],
    ['normalisation', 'sizes[k - 1] / total', 'sizes[k - 1]'],
    ['sign', 'entropy -= share', 'entropy += share'],
    ['normalisation', 'Math.abs(value) / total', 'Math.abs(value)'],
  ],
  'metrics/localisation.ts': [
    ['sign', 'if (value <= 0) return;', ''],
    ['normalisation', 'score: inside / total', 'score: inside'],
    ['index', 'subarray(0, size)', 'subarray(1, size + 1)'],
    ['index', 'question.seed)[0]]', 'question.seed)[1]]'],
  ],
  'metrics/robustness.ts': [
    ['normalisation', 'Math.sqrt(distance) / size', 'Math.sqrt(distance)'],
    ['sign', '(moved.values[i] - values[i]) ** 2', '(moved.values[i] + values[i]) ** 2'],
    ['normalisation', 'radius * (most - least || 1)', 'radius'],
    ['sign', '2 * source.uniform() - 1', '2 * source.uniform()'],
  ],
  'metrics/randomisation.ts': [
    ['sign', 'return Math.abs(spearman(a, b) ?? 0)', 'return spearman(a, b) ?? 0'],
    ['index', 'nodes.slice(0, depth)', 'nodes.slice(nodes.length - depth)'],
    ['comparison', '(k) => k !== target.class', '(k) => k === target.class'],
  ],
  'randomised-model.ts': [
    ['index', 'return found.reverse()', 'return found'],
    ['normalisation', 'mean + deviation * source.normal()', 'deviation * source.normal()'],
    ['normalisation', 'squares / data.length - mean * mean', 'squares / data.length'],
  ],
  'metrics/road.ts': [
    ['sign', '(meanOf(leastFirst) - meanOf(mostFirst))', '(meanOf(mostFirst) - meanOf(leastFirst))'],
    ['index', 'known[set[i]] = 0', 'known[set[i] - 1] = 0'],
    [
      'axis',
      'plane[group] = data[elements.of[group * elements.perGroup + channel]]',
      'plane[group] = data[elements.of[group + channel * groups.count]]',
    ],
    ['normalisation', 'channels.map((plane) => plane.slice())', 'channels'],
    ['normalisation', 'noise * standardDeviation(data)', '5'],
  ],
  'imputation.ts': [
    ['axis', 'const stride = width + 2', 'const stride = height + 2'],
    ['constant', 'const diagonal = 1;', 'const diagonal = 2;'],
    ['sign', 'own - aroundOf(direction', 'own + aroundOf(direction'],
    ['sign', '- sums[i] * u[i]', '+ sums[i] * u[i]'],
    ['normalisation', 'tolerance * scaleOf(system, plane)', 'tolerance'],
    ['constant', 'sums[i] = aroundOf(inside, at[i], stride)', 'sums[i] = 12'],
    ['index', '(row + 1) * stride + column + 1', '(row + 1) * stride + column'],
  ],
  '../tensor/correlation.ts': [
    ['normalisation', 'covariance / Math.sqrt(varianceA * varianceB)', 'covariance / varianceA'],
    ['index', '(start + end - 1) / 2', 'start'],
  ],
  'statistics.ts': [
    ['sign', 'agreement += signA * signB', 'agreement += Math.abs(signA * signB)'],
    ['normalisation', 'Math.sqrt(pairsA * pairsB)', 'pairsA'],
    ['normalisation', 'area / (positions[last] - positions[0])', 'area'],
    ['index', '(values[i] + values[i + 1]) / 2', 'values[i]'],
    ['constant', '(1 - (options.level ?? 0.95)) / 2', '(1 - (options.level ?? 0.95))'],
    ['index', 'drawn[source.integer(drawn.length)]', 'drawn[i]'],
    ['index', 'chances.length - rank)', 'chances.length)'],
    ['comparison', '.sort((a, b) => chances[a] - chances[b])', ''],
  ],
  'controls.ts': [
    ['sign', 'map((value) => -value)', 'map((value) => value)'],
    ['normalisation', 'values[i] += map.values[i] / size', 'values[i] += map.values[i]'],
  ],
  'verdicts.ts': [
    ['sign', 'goodness(ready, a) - goodness(ready, b)', 'goodness(ready, b) - goodness(ready, a)'],
    ['comparison', 'mean > 0 && holds[i] ? []', 'mean > 0 || holds[i] ? []'],
    ['comparison', 'isBeyondChance && mean < 0', 'isBeyondChance && mean > 0'],
    ['constant', "(['random', 'inverted'] as const)", "(['random'] as const)"],
  ],
  'quality.ts': [['sign', 'gain > 0 ? 1 : 0', 'gain > 0 ? 0 : 1']],
  'answer.ts': [
    ['comparison', 'quality[i] >= own', 'quality[i] <= own'],
    ['comparison', '(b > a ? b : a)', '(b > a ? a : b)'],
    ['constant', 'first >= 0.5', 'first >= 0.95'],
  ],
  'summarise.ts': [
    ['comparison', 'passes <= cost &&', 'passes >= cost &&'],
    ['index', 'ordered.at(-1)?.input', 'ordered[0]?.input'],
  ],
  'score.ts': [['sign', "metric.direction === 'higher' ? score : -score", 'score']],
  'cell.ts': [
    ['index', 'this.#maps.push({ values: Float64Array.from(map), absolute });', ''],
    ['normalisation', 'input: this.#input.hash,', ''],
    ['normalisation', 'baseline: baselineKey(this.#baseline),', ''],
  ],
  'gather.ts': [
    ['index', 'from += points.count', 'from += 0'],
    ['index', 'Math.max(start - starts[i], 0)', 'Math.max(start, 0)'],
    ['comparison', 'others.length === 0', 'others.length >= 0'],
  ],
};

/** @type {readonly Mutant[]} */
export const mutants = Object.entries(mistakes).flatMap(([file, rows]) =>
  rows.map(([kind, find, replace]) => ({ file, kind, find, replace })),
);
