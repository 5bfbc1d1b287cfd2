import { WhereforeError } from '../../../errors.ts';
import { describeNode, floatAttribute, intAttribute } from '../../graph.ts';
import { withAttributes } from '../rewrite.ts';
import type { Upgrade } from '../upgrade.ts';
import { scalarLike } from './attributes.ts';

/**
 * Before 14, further outputs (running and saved statistics) stood for training mode; since 14 an attribute does.
 * Before 9, `spatial = 0` meant statistics per element instead of per channel.
 */
export const batchNormalization: Upgrade = (node, to) => {
  const extra = node.outputs.slice(1).filter(Boolean);
  const read = extra.find((name) => to.isRead(name));
  if (read) {
    throw new WhereforeError('unsupported-model', 'batch normalization in training mode of an opset before 14', {
      where: describeNode(node),
      got: `output "${read}" is read`,
      expected: 'only the first output',
      fix: 'export the model in inference mode (in PyTorch: model.eval())',
    });
  }
  for (const output of extra) {
    to.note({
      code: 'output-dropped',
      node: node.name,
      output,
      text: `${describeNode(node)} runs in inference mode: its statistics output "${output}", which nothing reads, is gone`,
    });
  }
  const [x, scale, bias, mean, variance] = node.inputs;
  const [output] = node.outputs;
  if (intAttribute(node, 'spatial', 1) === 1) {
    to.append({ ...withAttributes(node, {}, ['spatial', 'is_test']), outputs: [output] });
    return true;
  }
  // y = (x - mean) / sqrt(variance + epsilon) * scale + bias, all of the shape of one sample.
  const epsilon = scalarLike(floatAttribute(node, 'epsilon', 1e-5), variance, to);
  const deviation = to.op('Sqrt', [to.op('Add', [variance, epsilon])]);
  const normalized = to.op('Div', [to.op('Sub', [x, mean]), deviation]);
  to.op('Add', [to.op('Mul', [normalized, scale]), bias], {}, output);
  return true;
};

/**
 * Versions 18 to 20 have one scale and bias per *group* (since 21: per channel), which is exactly an
 * InstanceNormalization with the groups as channels.
 */
export const groupNormalization: Upgrade = (node, to) => {
  const [x, scale, bias] = node.inputs;
  const groups = intAttribute(node, 'num_groups', 1);
  const grouped = to.op('Reshape', [x, to.ints([0, groups, -1])]);
  const normalized = to.op('InstanceNormalization', [grouped, scale, bias], {
    epsilon: { float: floatAttribute(node, 'epsilon', 1e-5) },
  });
  to.op('Reshape', [normalized, to.op('Shape', [x])], {}, node.outputs[0]);
  return true;
};
