import { type Random, random } from '../../src/tensor/random.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';

/** What an image of the bench shows. Images of a family share artist, class and ground, and differ in everything else. */
export interface Scene {
  readonly kind: 'drawn' | 'uniform' | 'half-light';
  readonly family: number;
  readonly artist: number;
  readonly class: number;
}

export const side = 128;

type Rgb = readonly [number, number, number];

const palettes: readonly (readonly Rgb[])[] = [
  [
    [222, 70, 50],
    [240, 190, 70],
    [60, 60, 90],
    [235, 225, 200],
  ],
  [
    [40, 110, 160],
    [120, 190, 200],
    [240, 240, 235],
    [230, 120, 60],
  ],
  [
    [70, 130, 70],
    [170, 190, 90],
    [60, 50, 40],
    [220, 210, 170],
  ],
  [
    [120, 60, 140],
    [230, 120, 170],
    [50, 40, 80],
    [250, 220, 190],
  ],
];

/** Scenes in families of ten, and some that are nearly nothing: one colour, or light that falls from one side. */
export function scenesOf(count: number, seed: number): Scene[] {
  const source = random(seed, 9);
  return Array.from({ length: count }, (_, i) => {
    const family = Math.floor(i / 10);
    const inFamily = random(seed, 1000 + family);
    const drawn = { family, artist: inFamily.integer(8), class: inFamily.integer(6) };
    const lot = source.uniform();
    return { kind: lot < 0.02 ? 'uniform' : lot < 0.04 ? 'half-light' : 'drawn', ...drawn };
  });
}

export function drawScene(scene: Scene, source: Random): Tensor<'uint8'> {
  const image = new Float32Array(side * side * 3);
  if (scene.kind === 'drawn') drawObjects(image, scene, source);
  else drawLight(image, scene.kind === 'half-light', source);
  const bytes = new Uint8Array(image.length);
  for (let i = 0; i < image.length; i++)
    bytes[i] = Math.max(0, Math.min(255, Math.round(image[i] + 2.5 * source.normal())));
  return tensor('uint8', [side, side, 3], bytes);
}

function drawLight(image: Float32Array, falls: boolean, source: Random): void {
  const colour = [0, 1, 2].map(() => 30 + 200 * source.uniform());
  const angle = 2 * Math.PI * source.uniform();
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const light = falls ? 0.7 + 0.5 * (((x - 64) * dx + (y - 64) * dy) / 90) : 1;
      for (let c = 0; c < 3; c++) image[(y * side + x) * 3 + c] = colour[c] * light;
    }
}

function drawObjects(image: Float32Array, { artist, class: kind, family }: Scene, source: Random): void {
  const colours = palettes[artist >> 1];
  const stroke = [0, 1, 2, 3, 1, 2, 3, 0][artist];
  const ground = colours[(family + 2) % 4];
  const waves = Array.from({ length: 3 }, () => [
    0.02 + 0.07 * source.uniform(),
    6.3 * source.uniform(),
    6.3 * source.uniform(),
  ]);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      let light = 0;
      for (const [f, angle, phase] of waves)
        light += Math.sin(f * 6.3 * (x * Math.cos(angle) + y * Math.sin(angle)) + phase);
      for (let c = 0; c < 3; c++) image[(y * side + x) * 3 + c] = ground[c] + 6 * light;
    }
  const count = 4 + source.integer(4);
  for (let k = 0; k < count; k++) {
    const colour = colours[source.integer(4)].map((value) => value + 14 * source.normal());
    const shape = k === 0 || source.uniform() < 0.6 ? kind : source.integer(6);
    const size = 9 + 26 * source.uniform() ** 1.5 + (k === 0 ? 10 : 0);
    const turn = 6.3 * source.uniform();
    const [cx, cy, phase, wobble] = [
      side * source.uniform(),
      side * source.uniform(),
      source.integer(9),
      6.3 * source.uniform(),
    ];
    stamp(image, { cx, cy, size, turn, shape, colour, stroke, phase, wobble });
  }
}

interface Stamp {
  readonly cx: number;
  readonly cy: number;
  readonly size: number;
  readonly turn: number;
  readonly shape: number;
  readonly colour: readonly number[];
  readonly stroke: number;
  readonly phase: number;
  readonly wobble: number;
}

const insides: readonly ((u: number, v: number, r: number) => boolean)[] = [
  (_, __, r) => r < 1,
  (u, v) => Math.max(Math.abs(u), Math.abs(v)) < 0.85,
  (u, v) => Math.abs(u) < (v + 1) / 2 && v < 1,
  (u, v, r) => r < 1.1 && (Math.abs(u) < 0.33 || Math.abs(v) < 0.33),
  (_, __, r) => r < 1 && r > 0.55,
  (u, v) => Math.abs(u) + Math.abs(v) < 1,
];

/** Whether a pixel takes ink, by stroke: full, lines, squares, slanting lines. */
const inks: readonly ((x: number, y: number) => boolean)[] = [
  () => true,
  (_, y) => y % 6 > 1,
  (x, y) => ((x >> 2) + (y >> 2)) % 2 === 0,
  (x, y) => (x + y) % 7 > 2,
];

function stamp(image: Float32Array, { cx, cy, size, turn, shape, colour, stroke, phase, wobble }: Stamp): void {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  for (let y = Math.max(0, Math.floor(cy - 1.3 * size)); y < Math.min(side, cy + 1.3 * size); y++)
    for (let x = Math.max(0, Math.floor(cx - 1.3 * size)); x < Math.min(side, cx + 1.3 * size); x++) {
      const [dx, dy] = [(x - cx) / size, (y - cy) / size];
      const edge = 1 + 0.08 * Math.sin(5 * Math.atan2(dy, dx) + wobble);
      const [u, v] = [(dx * cos + dy * sin) * edge, (dy * cos - dx * sin) * edge];
      if (!insides[shape](u, v, Math.hypot(u, v))) continue;
      const light = inks[stroke](x + phase, y + phase) ? 1 : 0.55;
      for (let c = 0; c < 3; c++) image[(y * side + x) * 3 + c] = colour[c] * light;
    }
}
