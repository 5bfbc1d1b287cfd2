import { GraphBuilder } from '../src/onnx/builder.ts';
import type { Dimension, OnnxModel } from '../src/onnx/graph.ts';
import { type Random, random } from '../src/tensor/random.ts';
import { float32, sizeOf } from '../src/tensor/tensor.ts';

/** A network with random weights, as an ONNX model. `peer.py` has the same networks in PyTorch. */
export interface Net {
  readonly model: OnnxModel;
  /** Trainable parameters, by the names that both sides use. */
  readonly parameters: readonly string[];
}

/** A graph under construction that draws its parameters from a seed. */
export class Construction {
  readonly builder = new GraphBuilder();
  readonly parameters: string[] = [];
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = random(seed);
  }

  /** A trainable parameter, uniform with the given mean and standard deviation. */
  parameter(name: string, shape: readonly number[], deviation: number, mean = 0): string {
    this.parameters.push(name);
    return this.constant(name, shape, deviation, mean);
  }

  /** The same, but not trainable. */
  constant(name: string, shape: readonly number[], deviation: number, mean = 0): string {
    const values = new Float32Array(sizeOf(shape));
    // Uniform on [−√3, √3) has variance 1.
    for (let i = 0; i < values.length; i++)
      values[i] = mean + deviation * Math.sqrt(12) * (this.#random.uniform() - 0.5);
    return this.builder.initializer(name, float32(shape, values));
  }

  build(output: string, shape: readonly Dimension[]): Net {
    this.builder.output(output, 'float32', shape);
    const opsets = new Map([['', 20]]);
    const graph = this.builder.build();
    const model = { irVersion: 9, producer: 'wherefore-bench', opsets, graph, functions: [], metadata: new Map() };
    return { model, parameters: this.parameters };
  }
}

/** ResNet-18 (He et al. 2016, arXiv 1512.03385) on 224 × 224 images, batch normalisation in inference mode. */
export function resnet18(batch: number): Net {
  const net = new Construction(1);
  const { builder } = net;
  const convolution = (x: string, name: string, from: number, to: number, kernel: number, stride: number) => {
    const pad = Math.floor(kernel / 2);
    const weight = net.parameter(`${name}.weight`, [to, from, kernel, kernel], Math.sqrt(2 / (from * kernel * kernel)));
    return builder.op('Conv', [x, weight], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  };
  const normalisation = (x: string, name: string, channels: number, gain: number) => {
    const scale = net.parameter(`${name}.weight`, [channels], 0.05, gain);
    const bias = net.parameter(`${name}.bias`, [channels], 0.05);
    const mean = net.constant(`${name}.mean`, [channels], 0.05);
    const variance = net.constant(`${name}.variance`, [channels], 0.1, 1);
    return builder.op('BatchNormalization', [x, scale, bias, mean, variance]);
  };
  const relu = (x: string) => builder.op('Relu', [x]);

  let x = relu(
    normalisation(convolution(builder.input('x', 'float32', [batch, 3, 224, 224]), 'conv1', 3, 64, 7, 2), 'bn1', 64, 1),
  );
  x = builder.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let from = 64;
  for (const [stage, to] of [64, 128, 256, 512].entries()) {
    for (const block of [0, 1]) {
      const name = `layer${stage + 1}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inner = relu(normalisation(convolution(x, `${name}.conv1`, from, to, 3, stride), `${name}.bn1`, to, 1));
      const outer = normalisation(convolution(inner, `${name}.conv2`, to, to, 3, 1), `${name}.bn2`, to, 0.5);
      const shortcut =
        stride === 1
          ? x
          : normalisation(convolution(x, `${name}.downsample`, from, to, 1, stride), `${name}.downsample.bn`, to, 1);
      x = relu(builder.op('Add', [outer, shortcut]));
      from = to;
    }
  }
  const features = builder.op('Flatten', [builder.op('GlobalAveragePool', [x])], { axis: 1 });
  const weight = net.parameter('fc.weight', [1000, from], 0.05);
  const bias = net.parameter('fc.bias', [1000], 0.05);
  return net.build(builder.op('Gemm', [features, weight, bias], { transB: 1 }, { outputs: ['logits'] }), [batch, 1000]);
}

/** Sizes of GPT-2 small (Radford et al. 2019). */
export const gpt2Sizes = { positions: 128, layers: 12, width: 768, heads: 12, vocabulary: 50257 } as const;

/** GPT-2 small on 128 tokens; the output matrix is the embedding's. The value `embedding` is what gradients go to. */
export function gpt2(batch: number): Net {
  const { positions, width, vocabulary } = gpt2Sizes;
  const net = new Construction(2);
  const { builder } = net;
  const future = new Float32Array(positions * positions);
  for (let i = 0; i < positions; i++) future.fill(-1e4, i * positions + i + 1, (i + 1) * positions);
  const mask = builder.initializer('mask', float32([1, 1, positions, positions], future));
  const ids = builder.input('ids', 'int64', [batch, positions]);
  const embedding = net.parameter('wte', [vocabulary, width], 0.02);
  const tokens = builder.op('Gather', [embedding, ids]);
  const x = builder.op('Add', [tokens, net.parameter('wpe', [positions, width], 0.02)], {}, { outputs: ['embedding'] });
  return net.build(gpt2Logits(net, x, { embedding, mask }), [batch, positions, vocabulary]);
}

/** Logits of embedded tokens by the blocks of GPT-2 small; `mask` is added to the scores of attention. */
export function gpt2Logits(
  net: Construction,
  embedded: string,
  { embedding, mask }: { readonly embedding: string; readonly mask: string },
): string {
  const { layers, width, heads } = gpt2Sizes;
  const { builder } = net;
  const linear = (x: string, name: string, from: number, to: number, deviation = 0.02) => {
    const weight = net.parameter(`${name}.weight`, [from, to], deviation);
    return builder.op('Add', [builder.op('MatMul', [x, weight]), net.parameter(`${name}.bias`, [to], 0.01)]);
  };
  const normalisation = (x: string, name: string) =>
    builder.op('LayerNormalization', [
      x,
      net.parameter(`${name}.weight`, [width], 0.05, 1),
      net.parameter(`${name}.bias`, [width], 0.02),
    ]);
  const perHead = (x: string, perm: readonly number[]) =>
    builder.op('Transpose', [builder.op('Reshape', [x, builder.ints([0, 0, heads, width / heads])])], { perm });

  let x = embedded;
  for (let layer = 0; layer < layers; layer++) {
    const name = `h.${layer}`;
    const joint = linear(normalisation(x, `${name}.ln1`), `${name}.qkv`, width, 3 * width, 0.04);
    const [q, k, v] = builder.ops('Split', [joint, builder.ints([width, width, width])], { axis: 2 }, { outputs: 3 });
    const scores = builder.op('MatMul', [perHead(q, [0, 2, 1, 3]), perHead(k, [0, 2, 3, 1])]);
    const scaled = builder.op('Mul', [scores, builder.scalar(1 / Math.sqrt(width / heads))]);
    const attention = builder.op('Softmax', [builder.op('Add', [scaled, mask])], { axis: -1 });
    const mixed = builder.op('Transpose', [builder.op('MatMul', [attention, perHead(v, [0, 2, 1, 3])])], {
      perm: [0, 2, 1, 3],
    });
    const joined = builder.op('Reshape', [mixed, builder.ints([0, 0, width])]);
    x = builder.op('Add', [x, linear(joined, `${name}.proj`, width, width)]);
    const wide = builder.op('Gelu', [linear(normalisation(x, `${name}.ln2`), `${name}.fc`, width, 4 * width)], {
      approximate: 'tanh',
    });
    x = builder.op('Add', [x, linear(wide, `${name}.out`, 4 * width, width)]);
  }
  const output = builder.op('Transpose', [embedding], { perm: [1, 0] });
  return builder.op('MatMul', [normalisation(x, 'lnf'), output], {}, { outputs: ['logits'] });
}

/** Three convolutions, two pools and two linear layers on 32 × 32 images. */
export function smallCnn(batch: number): Net {
  const net = new Construction(3);
  const { builder } = net;
  const convolution = (x: string, name: string, from: number, to: number) => {
    const weight = net.parameter(`${name}.weight`, [to, from, 3, 3], Math.sqrt(2 / (from * 9)));
    const bias = net.parameter(`${name}.bias`, [to], 0.01);
    return builder.op('Relu', [
      builder.op('Conv', [x, weight, bias], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] }),
    ]);
  };
  const pool = (x: string) => builder.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  const linear = (
    x: string,
    name: string,
    from: number,
    to: number,
    deviation: number,
    outputs: number | string[] = 1,
  ) => {
    const inputs = [
      x,
      net.parameter(`${name}.weight`, [to, from], deviation),
      net.parameter(`${name}.bias`, [to], 0.01),
    ];
    return builder.op('Gemm', inputs, { transB: 1 }, { outputs });
  };
  let x = convolution(builder.input('x', 'float32', [batch, 3, 32, 32]), 'conv1', 3, 32);
  x = pool(convolution(x, 'conv2', 32, 64));
  x = pool(convolution(x, 'conv3', 64, 128));
  const features = 128 * 8 * 8;
  x = builder.op('Relu', [
    linear(builder.op('Flatten', [x], { axis: 1 }), 'fc1', features, 128, Math.sqrt(2 / features)),
  ]);
  return net.build(linear(x, 'fc2', 128, 10, 0.1, ['logits']), [batch, 10]);
}

/** Every network of the benchmark. */
export const nets = { resnet18, gpt2, smallCnn } as const;

export type NetName = keyof typeof nets;
