import { intAttribute } from '../../graph.ts';
import { type Upgrade, withAttributes } from '../rewrite.ts';

/**
 * Before 13, Softmax, LogSoftmax and Hardmax saw their input as a matrix, all axes from `axis` (default 1) on being
 * its columns; since 13 they work along one axis.
 */
export const coerced: Upgrade = (node, to) => {
  const [input] = node.inputs;
  const [output] = node.outputs;
  const axis = intAttribute(node, 'axis', 1);
  const rank = to.rankOf(input);
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) {
    to.append(withAttributes(node, { axis: -1 }));
    return true;
  }
  const matrix = to.op('Flatten', [input], { axis });
  to.op('Reshape', [to.op(node.op, [matrix], { axis: -1 }), to.op('Shape', [input])], {}, output);
  return true;
};
