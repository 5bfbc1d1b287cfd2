import { WhereforeError } from '../../../errors.ts';
import { toNumbers } from '../../../tensor/convert.ts';
import { describeNode, floatAttribute, type Node, stringAttribute } from '../../graph.ts';
import { type Rewriter, type Upgrade, withAttributes } from '../rewrite.ts';
import { floats } from './attributes.ts';

/** Upsample (deprecated in 10) has its scales in an attribute before 9, in an input since. */
export const upsample: Upgrade = (node, to, from) => {
  const attribute = node.attributes.scales;
  const scales = from < 9 && attribute?.kind === 'floats' ? floats(attribute.value, to) : node.inputs[1];
  return asymmetric(node, scales, to);
};

/** Resize of 10 has no choice of coordinates; 11 and 12 have one that is gone since. */
export const resize: Upgrade = (node, to, from) => {
  if (from < 11) return asymmetric(node, node.inputs[1], to);
  const [x, roi = '', scales = '', sizes = ''] = node.inputs;
  const mode = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  // 11 and 12 require the inputs that do not count; since 13 they may be, and here are, left out.
  const inputs = [x, mode === 'tf_crop_and_resize' ? roi : '', sizes ? '' : scales, sizes];
  while (inputs.at(-1) === '') inputs.pop();
  to.append({ ...(mode === 'tf_half_pixel_for_nn' ? centred(node) : node), inputs });
  return true;
};

/** How "truncate" rounds and the removed coordinates look in terms of the newer attributes. */
function asymmetric(node: Node, scales: string, to: Rewriter): true {
  const [x] = node.inputs;
  const [output] = node.outputs;
  const attributes = { coordinate_transformation_mode: 'asymmetric' };
  const mode = stringAttribute(node, 'mode', 'nearest');
  if (mode !== 'nearest') {
    // "bilinear" was a spelling of the earliest files.
    to.op('Resize', [x, '', scales], { ...attributes, mode: mode === 'bilinear' ? 'linear' : mode }, output);
    return true;
  }
  const nearest = (rounding: string) => ({ ...attributes, mode, nearest_mode: rounding });
  const known = to.constantOf(scales);
  const factors = known && toNumbers(known);
  // Runtimes round down along an axis that grows and up along one that shrinks.
  if (node.op === 'Upsample' || factors?.every((factor) => factor >= 1)) {
    to.op('Resize', [x, '', scales], nearest('floor'), output);
  } else if (factors?.every((factor) => factor <= 1)) {
    to.op('Resize', [x, '', scales], nearest('ceil'), output);
  } else {
    // Nearest-neighbour resizing works axis by axis: first those that shrink, then those that grow.
    const one = to.scalar(1);
    const shrunk = to.op('Resize', [x, '', to.op('Min', [scales, one])], nearest('ceil'));
    to.op('Resize', [shrunk, '', to.op('Max', [scales, one])], nearest('floor'), output);
  }
  return true;
}

/**
 * `tf_half_pixel_for_nn` is x = (i + 0.5) / scale, which is half_pixel's x shifted by a half; some roundings of one
 * are roundings of the other: floor(x) = round_prefer_ceil(x - 0.5), round_prefer_floor(x) = ceil(x - 0.5).
 */
function centred(node: Node): Node {
  const rounding = stringAttribute(node, 'nearest_mode', 'round_prefer_floor');
  const equal = { floor: 'round_prefer_ceil', round_prefer_floor: 'ceil' }[rounding];
  if (
    stringAttribute(node, 'mode', 'nearest') !== 'nearest' ||
    !equal ||
    floatAttribute(node, 'extrapolation_value', 0)
  ) {
    throw new WhereforeError('unsupported-model', 'this Resize has no equal in newer opsets', {
      where: describeNode(node),
      got: `tf_half_pixel_for_nn with ${stringAttribute(node, 'mode', 'nearest')}, ${rounding}`,
      expected: 'nearest with floor or round_prefer_floor',
      fix: 'export the model with coordinate_transformation_mode "half_pixel"',
    });
  }
  return withAttributes(node, { coordinate_transformation_mode: 'half_pixel', nearest_mode: equal });
}
