import * as z from 'zod/mini';
import { lookup } from '../../tensor/lookup.ts';
import { datasetDescriptionSchema, datasetsSchema } from '../datasets/dataset-description.ts';
import { kernels } from '../formats/resize.ts';

const channelValue = z.number();
const colourChannel = z.int().check(z.minimum(0), z.maximum(255));
const perChannel = z.union([channelValue, z.array(channelValue).check(z.minLength(1))]);

const imageInput = z
  .strictObject({
    kind: z.literal('image'),
    /** Height and width of the model's input, in pixels. */
    size: z.tuple([z.int().check(z.positive()), z.int().check(z.positive())]),
    /**
     * How an image of other proportions gets that size: `stretch` changes the proportions, `crop` cuts the longer
     * side off around the centre, `letterbox` keeps all of the image and pads. Default stretch.
     */
    resize: z._default(z.enum(['stretch', 'crop', 'letterbox']), 'stretch'),
    /**
     * With crop: length of the shorter side before the cut, e.g. 256 for a size of 224; the longer one is rounded down.
     * Default: the size itself. Where it is smaller than the size, a black margin is left.
     */
    shorterSide: z.optional(z.int().check(z.positive())),
    /** With crop, instead of `shorterSide`: height and width of the whole image before the cut, whatever its proportions. */
    whole: z.optional(z.tuple([z.int().check(z.positive()), z.int().check(z.positive())])),
    /**
     * With crop: where the cut begins when its centre falls between two pixels: at the `even` one of the two places, as
     * torchvision does, or at the one further `up` and left, as transformers does. Default even.
     */
    centre: z.optional(z.enum(['even', 'up'])),
    /** With letterbox: colour of the padding, one grey value or RGB, 0–255. Default 0. */
    pad: z.optional(z.union([colourChannel, z.tuple([colourChannel, colourChannel, colourChannel])])),
    /** With letterbox: where the image lies in the padding, in the top left `corner` or the `centre`. Default centre. */
    place: z.optional(z.enum(['centre', 'corner'])),
    /** Resize filter, with the pixels of Pillow; `linear`, `cubic` and `lanczos3` are older names. Default bilinear. */
    kernel: z._default(z.enum(kernels), 'bilinear'),
    /** Whether shrinking averages over all pixels covered, as Pillow does. Default true. */
    antialias: z.optional(z.boolean()),
    /** RGB colour, 0–255, laid under transparent pixels. Default: their opacity is dropped. */
    background: z.optional(z.tuple([colourChannel, colourChannel, colourChannel])),
    /** Order of the axes: batch, channels, height, width or batch, height, width, channels. Default NCHW. */
    layout: z._default(z.enum(['NCHW', 'NHWC']), 'NCHW'),
    /** Order of the colours; grey is .299 R + .587 G + .114 B. Default RGB. */
    colour: z._default(z.enum(['RGB', 'BGR', 'grey']), 'RGB'),
    /** The values that 0 and 255 become, before mean and std: [0, 1], [0, 255], [-1, 1]; [1, 0] inverts. Or `scale`. */
    range: z.optional(z.tuple([z.number(), z.number()])),
    /** Factor on the values 0–255, before mean and std. Or `range`. */
    scale: z.optional(z.number()),
    /** Subtracted, in units after `scale` or `range`; one number or one per channel in the model's order. Default 0. */
    mean: z._default(perChannel, 0),
    /** Divided by, after the mean; one number or one per channel in the model's order. Default 1. */
    std: z._default(perChannel, 1),
  })
  .check(
    z.superRefine((input, context) => {
      const complain = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
      if ((input.range === undefined) === (input.scale === undefined)) {
        complain(input.range ? 'scale' : 'range', 'give one of range and scale, e.g. range: [0, 1]');
      }
      if (input.range && input.range[0] === input.range[1]) complain('range', 'its two ends are equal');
      if (input.scale === 0) complain('scale', 'a scale of 0 wipes the image out');
      const channels = input.colour === 'grey' ? 1 : 3;
      for (const key of ['mean', 'std'] as const) {
        const value = input[key];
        if (Array.isArray(value) && value.length !== channels) {
          complain(key, `${value.length} numbers for ${channels} channel${channels > 1 ? 's' : ''}`);
        }
      }
      if ([input.std].flat().some((value) => value === 0)) complain('std', 'a std of 0 divides by zero');
      if (input.resize !== 'letterbox' && input.pad !== undefined) complain('pad', 'only with resize: letterbox');
      if (input.resize !== 'letterbox' && input.place !== undefined) complain('place', 'only with resize: letterbox');
      for (const key of ['shorterSide', 'whole', 'centre'] as const) {
        if (input.resize !== 'crop' && input[key] !== undefined) complain(key, 'only with resize: crop');
      }
      if (input.shorterSide !== undefined && input.whole) complain('whole', 'give one of shorterSide and whole');
    }),
  );

const filled = z.strictObject({ fill: z.union([z.number(), z.string()]) });
const missing = z.union([z.literal('refuse'), filled]);

/** How a column is shown to a person: what it is called (default: its name) and what its values are counted in. */
const shown = { title: z.optional(z.string()), unit: z.optional(z.string()) };

const numberColumn = z.strictObject({
  name: z.string(),
  ...shown,
  /** The column holds the logarithm of base 10 of what a person understands, and is shown as that. */
  log10: z.optional(z.boolean()),
  encode: z.literal('number'),
  /** The value becomes (value − mean) / std. Defaults 0 and 1. */
  mean: z._default(z.number(), 0),
  std: z._default(z.number().check(z.refine((std) => std !== 0, 'a std of 0 divides by zero')), 1),
  /**
   * What a missing value becomes, before mean and std: `refuse` (default), `{ fill: number }`, or `keep` for a model that
   * handles it itself (NaN).
   */
  missing: z._default(z.union([z.literal(['refuse', 'keep']), filled]), 'refuse'),
});

const categoryColumn = z.strictObject({
  name: z.string(),
  ...shown,
  /** `ordinal`: the index in `categories`; `onehot`: one feature per category, 1 at its own. */
  encode: z.enum(['ordinal', 'onehot']),
  categories: z.array(z.string()).check(z.minLength(1)),
  /** What a missing value becomes: `refuse` (default), or `{ fill: one of the categories }`. */
  missing: z._default(missing, 'refuse'),
  /** A category that is not in the list: `refuse` (default), or `zeros` with onehot. */
  unknown: z._default(z.enum(['refuse', 'zeros']), 'refuse'),
});

const textColumn = z.strictObject({
  name: z.string(),
  ...shown,
  /** Passed on as it is, for models whose input is of strings. */
  encode: z.literal('text'),
  missing: z._default(missing, 'refuse'),
});

const tableInput = z.strictObject({
  kind: z.literal('table'),
  /** The columns that become features, in the model's order. */
  columns: z.array(z.discriminatedUnion('encode', [numberColumn, categoryColumn, textColumn])).check(z.minLength(1)),
});

const tensorInput = z.strictObject({
  kind: z.literal('tensor'),
  /**
   * What the axes are called, the batch included: `[batch, channel, time]`. An axis called channel (feature, variable)
   * or time (step, position, sample, row, column) is treated and drawn as that.
   */
  axes: z.optional(z.array(z.string())),
});

const audioInput = z.strictObject({
  kind: z.literal('audio'),
  /** Samples a second that the model was trained with; recordings of other rates are resampled. Default: the file's own. */
  rate: z.optional(z.int().check(z.positive())),
  /** Whether a recording is brought to mean 0 and variance 1: (x − mean) / √(variance + 10⁻⁷). Default false. */
  normalise: z._default(z.boolean(), false),
});

const textInput = z.strictObject({
  kind: z.literal('text'),
  /** `tokenizer.json`, relative to this file. */
  tokenizer: z.optional(z.string()),
  /** What of the tokenized text this input takes. Default ids. */
  part: z._default(z.enum(['ids', 'mask', 'types', 'positions']), 'ids'),
  /** Longest text in tokens; longer ones are cut. Default: what the tokenizer and `config.json` say. */
  longest: z.optional(z.int().check(z.positive())),
  /** Tokens of every text: a longer one is cut, a shorter one filled up, so that rows can be read together. Default: as long as the text is. */
  length: z.optional(z.int().check(z.positive())),
  /** Reads a longer text in windows that share so many tokens, instead of cutting it. */
  overlap: z.optional(z.int().check(z.positive())),
  /** The column of a table that holds the text. Default: the only one of texts, or one that is called text. */
  column: z.optional(z.string()),
});

const output = z.strictObject({
  /** What the numbers are. */
  kind: z.enum(['logits', 'probabilities', 'value', 'detections', 'embedding']),
  /** The axis that runs over the classes. Default 1 (−1 for language models, set by the task). */
  axis: z.optional(z.int()),
  /**
   * What makes probabilities of logits: `softmax` over the classes, or a `sigmoid` for each, where an input may belong
   * to several classes or to none. Default softmax; of one number always sigmoid.
   */
  activation: z.optional(z.enum(['softmax', 'sigmoid'])),
});

const detection = z.strictObject({
  /** How boxes are read off the raw output. yolox: [x, y, w, h, objectness, classes…] per cell of each stride's grid. */
  format: z.literal('yolox'),
  /** Pixels per grid cell, one per level, in the order of the output. Default 8, 16, 32. */
  strides: z._default(z.array(z.int().check(z.positive())).check(z.minLength(1)), [8, 16, 32]),
  /** The output that holds the boxes. Default: the first. */
  output: z.optional(z.string()),
});

/** What stands in `wherefore.yaml` beside a model. */
export const preprocessingSchema = z.strictObject({
  task: z.optional(
    z.enum([
      'classification',
      'regression',
      'detection',
      'segmentation',
      'embedding',
      'language',
      'token-classification',
    ]),
  ),
  inputs: z._default(
    z.record(z.string(), z.discriminatedUnion('kind', [imageInput, tableInput, tensorInput, textInput, audioInput])),
    {},
  ),
  outputs: z._default(z.record(z.string(), output), {}),
  /** Names of the classes: a list, or a file beside this one with one name a line or a JSON list. */
  labels: z.optional(z.union([z.string(), z.array(z.string()).check(z.minLength(1))])),
  detection: z.optional(detection),
  /** Data sets by name, such as `train` and `test`: for `openDataset` and `wherefore inspect`. */
  data: z.optional(datasetsSchema),
});

/** How inputs are made for a model, and how its outputs are read. */
export type Preprocessing = z.output<typeof preprocessingSchema>;
/** The same before defaults are filled in: what a person writes. */
export type PreprocessingText = z.input<typeof preprocessingSchema>;
export type InputPreprocessing = Preprocessing['inputs'][string];
export type ImageInput = Extract<InputPreprocessing, { kind: 'image' }>;
export type TableInput = Extract<InputPreprocessing, { kind: 'table' }>;
export type AudioInput = Extract<InputPreprocessing, { kind: 'audio' }>;
export type TextInput = Extract<InputPreprocessing, { kind: 'text' }>;

/** Keys that exist at a place of the file, for "did you mean". */
export function knownKeys(path: readonly PropertyKey[], found: unknown): string[] {
  const keys = (schema: { shape: object }) => Object.keys(schema.shape);
  if (path.length === 0) return keys(preprocessingSchema);
  if (path[0] === 'detection') return keys(detection);
  if (path[0] === 'outputs') return keys(output);
  if (path[0] === 'data') return keys(datasetDescriptionSchema);
  const { kind, encode } = (found ?? {}) as { kind?: unknown; encode?: unknown };
  if (path.includes('columns')) {
    return keys(encode === 'number' ? numberColumn : encode === 'text' ? textColumn : categoryColumn);
  }
  const byKind: Readonly<Record<string, { shape: object }>> = {
    image: imageInput,
    table: tableInput,
    tensor: tensorInput,
    text: textInput,
    audio: audioInput,
  };
  const schema = typeof kind === 'string' ? lookup(byKind, kind) : undefined;
  return schema ? keys(schema) : [];
}
