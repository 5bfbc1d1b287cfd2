import { expect, it } from 'vitest';
import { GraphBuilder } from '../../onnx/builder.ts';
import { transformOf } from '../../onnx/lowering/expansions/scores.ts';
import { scaleOf } from './scale.ts';

const endingIn = (op: string) => {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  builder.op(op, ['x'], {}, { outputs: ['y'] });
  builder.output('y', 'float32', [1, 4]);
  return builder.build();
};

it('takes the scale of an operator of the table', () => {
  expect(scaleOf(endingIn('Softmax'), 'y')).toBe('softmax');
});

it.each(['constructor', 'toString', '__proto__'])(
  'an operator or a transform %s, which every object has, is unknown',
  (name) => {
    expect(scaleOf(endingIn(name), 'y')).toBe('scores');
    expect(transformOf(name, 3)).toBe(undefined);
  },
);

it.each<[string, string, string]>([
  ['Sigmoid', 'Gather', 'probabilities'],
  ['Softmax', 'Gather', 'probabilities'],
  ['Tanh', 'Gather', 'scores'],
])('takes an element of %s by %s for %s', (op, selecting, scale) => {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  const all = builder.op(op, ['x']);
  builder.op(selecting, [all, builder.ints([1], [])], { axis: 1 }, { outputs: ['y'] });
  builder.output('y', 'float32', [1]);
  expect(scaleOf(builder.build(), 'y')).toBe(scale);
});
