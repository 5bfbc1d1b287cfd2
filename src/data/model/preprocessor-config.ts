import * as z from 'zod/mini';
import { checked } from '../../checked.ts';
import { WhereforeError } from '../../errors.ts';
import { lookup } from '../../tensor/lookup.ts';
import type { Kernel } from '../formats/resize.ts';
import type { PreprocessingText } from './preprocessing.ts';

type ImageText = Extract<NonNullable<PreprocessingText['inputs']>[string], { kind: 'image' }>;

/** A `preprocessor_config.json` as it stands in its file. */
export interface ProcessorFile {
  readonly path: string;
  readonly content: unknown;
}

/** What a `preprocessor_config.json` says of images. */
export interface ImageProcessor {
  /** Of the form of `wherefore.yaml`; without the layout, which is the graph's. */
  readonly input: Omit<ImageText, 'layout'>;
  /** The class that reads the file in Python, without its ending: `ViT`, `CLIP`. */
  readonly type: string;
  /** Keys that the file leaves out, with the default of its class. */
  readonly defaults: readonly string[];
}

const sides = z.looseObject({
  height: z.nullish(z.int().check(z.positive())),
  width: z.nullish(z.int().check(z.positive())),
  shortest_edge: z.nullish(z.int().check(z.positive())),
  longest_edge: z.nullish(z.int().check(z.positive())),
});
const size = z.union([z.int().check(z.positive()), z.array(z.int().check(z.positive())).check(z.length(2)), sides]);
const channels = z.union([z.number(), z.array(z.number()).check(z.minLength(1))]);

/** The keys that say how an image becomes an input; others are of other models. */
const imageConfig = z.looseObject({
  do_resize: z.nullish(z.boolean()),
  size: z.nullish(size),
  /** Number of a filter of Pillow. */
  resample: z.nullish(z.int()),
  do_center_crop: z.nullish(z.boolean()),
  crop_size: z.nullish(size),
  crop_pct: z.nullish(z.number().check(z.positive())),
  do_rescale: z.nullish(z.boolean()),
  rescale_factor: z.nullish(z.number()),
  rescale_offset: z.nullish(z.boolean()),
  do_normalize: z.nullish(z.boolean()),
  image_mean: z.nullish(channels),
  image_std: z.nullish(channels),
  do_flip_channel_order: z.nullish(z.boolean()),
  include_top: z.nullish(z.boolean()),
});
type Config = z.output<typeof imageConfig>;

/** Filters of Pillow by number. */
const resamples: readonly Kernel[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];

const half = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const openai = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
const square = (side: number) => ({ height: side, width: side });
const cropped = (side: number, whole: Config['size'] = { shortest_edge: side }) => ({
  size: whole,
  do_center_crop: true,
  crop_size: square(side),
});

/** Defaults of the image processors of transformers 5 by the beginning of their names. */
const known: Readonly<Record<string, Partial<Config>>> = {
  ViT: { ...half, resample: 2, size: square(224) },
  CLIP: { ...openai, resample: 3, ...cropped(224) },
  ChineseCLIP: { ...openai, resample: 3, ...cropped(224) },
  Bit: { ...openai, resample: 3, ...cropped(224) },
  Blip: { ...openai, resample: 3, size: square(384) },
  Siglip: { ...half, resample: 3, size: square(224) },
  DeiT: { ...half, resample: 3, ...cropped(224, square(256)) },
  Beit: { ...half, resample: 3, size: square(224), crop_size: square(224) },
  ConvNext: { ...half, resample: 3, size: { shortest_edge: 384 }, crop_pct: 224 / 256 },
  EfficientNet: { ...half, resample: 3, size: square(346), crop_size: square(289), include_top: true },
  Levit: { ...imagenet, resample: 3, ...cropped(224) },
  MobileNetV1: { ...half, resample: 2, ...cropped(224, { shortest_edge: 256 }) },
  MobileNetV2: { ...half, resample: 2, ...cropped(224, { shortest_edge: 256 }) },
  MobileViT: {
    ...half,
    resample: 3,
    ...cropped(256, { shortest_edge: 224 }),
    do_normalize: false,
    do_flip_channel_order: true,
  },
  PoolFormer: { ...imagenet, resample: 3, ...cropped(224), crop_pct: 0.9 },
  Segformer: { ...imagenet, resample: 2, size: square(512) },
};
const common: Partial<Config> = {
  do_resize: true,
  do_center_crop: false,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
};

/**
 * How a Hugging Face `preprocessor_config.json` makes images ready, in the form of `wherefore.yaml`; undefined for the
 * file of a model that takes none.
 * @param where name of the file, for messages
 * @throws WhereforeError `invalid-data` for a value of another form, or a processor that makes inputs of many sizes
 */
export function readImageProcessor(content: unknown, where: string): ImageProcessor | undefined {
  const name = processorName(content);
  const defaultsOfName = lookup(known, name);
  if (!defaultsOfName && !mentionsImages(content)) return undefined;
  const parsed = checked(imageConfig, content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refusal(where, `${issue.path.join('.')}: ${issue.message.toLowerCase()}`);
  }
  const given = Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value != null)) as Config;
  const config: Config = { ...common, ...defaultsOfName, ...given };
  const defaults = used(config).filter((key) => !(key in given));
  const { do_normalize, image_mean, image_std } = config;
  if (do_normalize && (image_mean == null || image_std == null))
    throw refusal(where, 'image_mean or image_std is missing');
  return {
    type: name,
    defaults,
    input: {
      kind: 'image',
      ...fitting(name, config, where),
      kernel: kernelOf(config, where),
      colour: config.do_flip_channel_order ? 'BGR' : 'RGB',
      ...scaling(config),
      ...normalisation(name, config),
    },
  };
}

/** `ViT` of `ViTImageProcessorFast` or `ViTFeatureExtractor`. */
function processorName(content: unknown): string {
  const { image_processor_type, feature_extractor_type } = (content ?? {}) as Record<string, unknown>;
  const type = image_processor_type ?? feature_extractor_type;
  return typeof type === 'string' ? type.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, '') : '';
}

function mentionsImages(content: unknown): boolean {
  return typeof content === 'object' && content !== null && ('image_mean' in content || 'resample' in content);
}

function used({ do_resize, do_center_crop, do_rescale, do_normalize }: Config): (keyof Config)[] {
  return [
    ...(do_resize ? (['size', 'resample'] as const) : []),
    ...(do_center_crop ? (['crop_size'] as const) : []),
    ...(do_rescale ? (['rescale_factor'] as const) : []),
    ...(do_normalize ? (['image_mean', 'image_std'] as const) : []),
  ];
}

function refusal(where: string, what: string): WhereforeError {
  return new WhereforeError('invalid-data', 'the image processor cannot be followed', {
    where,
    got: what,
    expected:
      'do_resize, size, resample, do_center_crop, crop_size, do_rescale, rescale_factor, do_normalize, image_mean, image_std',
    fix: 'describe the input in a wherefore.yaml beside the model (kind: image)',
  });
}

function kernelOf({ resample = 2 }: Config, where: string): Kernel {
  const kernel = resamples[resample as number];
  if (kernel) return kernel;
  throw refusal(where, `resample ${resample}: not a filter of Pillow, 0 to 5`);
}

type Fitting = Pick<ImageText, 'size' | 'resize' | 'shorterSide' | 'whole' | 'centre'>;

function fitting(name: string, config: Config, where: string): Fitting {
  if (!config.do_resize) throw refusal(where, 'do_resize: false, which leaves every image its own size');
  const wanted = sizeOf(name, config.size, where);
  const crop = config.do_center_crop ? pair(sizeOf('ViT', config.crop_size, where), where) : undefined;
  if (wanted.length === 2) {
    const whole = pair(wanted, where);
    return crop && !same(crop, whole)
      ? { size: crop, resize: 'crop', whole, centre: 'up' }
      : { size: whole, resize: 'stretch' };
  }
  const [edge] = wanted;
  if (name === 'ConvNext') {
    return edge < 384
      ? {
          size: [edge, edge],
          resize: 'crop',
          shorterSide: Math.trunc(edge / (config.crop_pct ?? 224 / 256)),
          centre: 'up',
        }
      : { size: [edge, edge], resize: 'stretch' };
  }
  const shorterSide = Math.trunc(edge * (name === 'Levit' ? 256 / 224 : 1));
  if (!crop) throw refusal(where, `size: shortest_edge ${edge} without a crop, which leaves the longer side open`);
  const before = name === 'PoolFormer' && config.crop_pct ? Math.trunc(edge / config.crop_pct) : shorterSide;
  return { size: crop, resize: 'crop', shorterSide: before, centre: 'up' };
}

const same = (a: readonly number[], b: readonly number[]) => a.every((side, i) => side === b[i]);

/** Height and width, or the shorter side alone. One number is a square for some classes and the shorter side for others. */
function sizeOf(name: string, given: Config['size'], where: string): readonly number[] {
  if (typeof given === 'number') return shorterSideAlone.has(name) ? [given] : [given, given];
  if (Array.isArray(given)) return given;
  if (given?.height && given.width) return [given.height, given.width];
  if (given?.shortest_edge && !given.longest_edge) return [given.shortest_edge];
  throw refusal(where, `size: ${JSON.stringify(given)}`);
}

const shorterSideAlone: ReadonlySet<string> = new Set([
  'CLIP',
  'ChineseCLIP',
  'Bit',
  'ConvNext',
  'Levit',
  'MobileNetV1',
  'MobileNetV2',
  'MobileViT',
  'PoolFormer',
]);

function pair(sides: readonly number[], where: string): [number, number] {
  if (sides.length === 2) return [sides[0], sides[1]];
  throw refusal(where, `crop_size: one side, ${sides[0]}`);
}

function scaling({ do_rescale, rescale_factor: factor, rescale_offset }: Config): Pick<ImageText, 'range' | 'scale'> {
  if (!do_rescale || factor == null) return { scale: 1 };
  if (rescale_offset) return { range: [-1, 255 * factor - 1] };
  return Math.abs(factor * 255 - 1) < 1e-9 ? { range: [0, 1] } : { scale: factor };
}

/** (x − mean) / std; EfficientNet with its classifier divides by the deviation once more. */
function normalisation(name: string, config: Config): Pick<ImageText, 'mean' | 'std'> {
  const { do_normalize, include_top, image_mean: mean, image_std: std } = config;
  const again = name === 'EfficientNet' && include_top && std != null;
  if (!do_normalize || mean == null || std == null) return again ? { std } : {};
  return { mean, std: again ? (Array.isArray(std) ? std.map((value) => value * value) : std * std) : std };
}
