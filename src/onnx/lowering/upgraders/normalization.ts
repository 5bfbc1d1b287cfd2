import { WhereforeError } from '../../../errors.ts';
import { describeNode, floatAttribute, intAttribute } from '../../graph.ts';
import { type Upgrade, withAttributes } from '../rewrite.ts';
import { scalarLike } from './attributes.ts';

/**
 * Before 14, further outputs (updated and saved statistics) stood for training mode; since 14 an attribute does, and
 * the saved statistics are gone. Before 9, `spatial = 0` meant statistics per element instead of per channel.
 */
export const batchNormalization: Upgrade = (node, to) => {
  const [output, ...statistics] = node.outputs;
  if (statistics.some(Boolean)) {
    const saved = statistics.slice(2).filter(Boolean);
    const read = saved.find((name) => to.isRead(name));
    if (read || intAttribute(node, 'spatial', 1) !== 1) {
      throw new WhereforeError(
        'unsupported-model',
        'this kind of training-mode batch normalization is gone since opset 14',
        {
          where: describeNode(node),
          got: read ? `output "${read}" is read` : 'spatial = 0',
          fix: 'export the model in inference mode (in PyTorch: model.eval())',
        },
      );
    }
    for (const name of saved) {
      const text = `${describeNode(node)} no longer has the output "${name}", which nothing reads`;
      to.note({ code: 'output-dropped', node: node.name, output: name, text });
    }
    const outputs = [output, ...[0, 1].map((i) => statistics[i] || to.fresh('statistics'))];
    to.append({ ...withAttributes(node, { training_mode: 1 }, ['spatial', 'is_test']), outputs });
    return true;
  }
  const [x, scale, bias, mean, variance] = node.inputs;
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
