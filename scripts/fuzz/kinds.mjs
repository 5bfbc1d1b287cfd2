// @ts-nocheck: the built package has no types at this place.
// Kinds of files: where their seeds come from, how they are changed, and how the package reads them.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutateModel } from './models.mjs';
import { mutateBytes, mutateFlac, mutateJson, mutatePng, mutateText } from './mutations.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const wherefore = await import(new URL('../../dist/index.js', import.meta.url).href);
const scratch = mkdtempSync(join(tmpdir(), 'wherefore-fuzz-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Damaged models run in processes of their own, with so many seconds for a run; sound ones beside damaged files need none. */
const guarded = { threads: 1, timeLimit: 5 };
const soundly = { runtime: wherefore.createNodeRuntime({ threads: 1 }) };

const fixture = (path) => new Uint8Array(readFileSync(join(root, 'test/fixtures', path)));
const fixtures = (folder, pattern) =>
  readdirSync(join(root, 'test/fixtures', folder))
    .filter((name) => pattern.test(name))
    .map((name) => fixture(join(folder, name)))
    .filter((bytes) => bytes.length < 300_000);
const bytesOf = (...texts) => texts.map((text) => new TextEncoder().encode(text));

/** Writes a file that is read by its path. */
function written(name, bytes) {
  const path = join(scratch, name);
  writeFileSync(path, bytes);
  return path;
}

/** Text mutants four times in five, changed bytes else. */
const asText = (change) => (bytes, chance) =>
  chance.draw() < 0.8 ? Buffer.from(change(Buffer.from(bytes).toString(), chance)) : mutateBytes(bytes, chance);
const text = (read) => (bytes) => read(Buffer.from(bytes).toString());

const tokenizerOf = (model, normalizer, split, post) => ({
  version: '1.0',
  truncation: null,
  padding: null,
  normalizer,
  pre_tokenizer: split,
  post_processor: post,
  decoder: null,
  added_tokens: [{ id: 0, content: '[UNK]', special: true }],
  model,
});
const special = {
  type: 'TemplateProcessing',
  single: [{ Sequence: { id: 'A', type_id: 0 } }],
  pair: [],
  special_tokens: {},
};
const tokenizers = [
  tokenizerOf(
    { type: 'WordLevel', vocab: { '[UNK]': 0, a: 1, b: 2 }, unk_token: '[UNK]' },
    null,
    { type: 'Split', pattern: { Regex: '\\w+|[^\\w\\s]' }, behavior: 'Isolated', invert: false },
    null,
  ),
  tokenizerOf(
    {
      type: 'WordPiece',
      vocab: { '[UNK]': 0, a: 1, b: 2, '##a': 3, '##b': 4 },
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
    },
    { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    { type: 'BertPreTokenizer' },
    special,
  ),
  tokenizerOf(
    {
      type: 'BPE',
      vocab: { '[UNK]': 0, a: 1, b: 2, aa: 3, ab: 4 },
      merges: [
        ['a', 'a'],
        ['a', 'b'],
      ],
      unk_token: '[UNK]',
    },
    {
      type: 'Sequence',
      normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }],
    },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    special,
  ),
  tokenizerOf(
    {
      type: 'Unigram',
      vocab: [
        ['[UNK]', 0],
        ['a', -1],
        ['b', -2],
        ['▁', -3],
      ],
      unk_id: 0,
    },
    { type: 'Prepend', prepend: '▁' },
    { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    null,
  ),
].map((one) => JSON.stringify(one));

const configs = {
  'config.json': { model_type: 'resnet', id2label: { 0: 'a', 1: 'b', 2: 'c', 3: 'd' }, max_position_embeddings: 512 },
  'preprocessor_config.json': {
    do_resize: true,
    size: { shortest_edge: 14 },
    do_center_crop: true,
    crop_size: { height: 12, width: 12 },
    resample: 3,
    do_rescale: true,
    rescale_factor: 0.00392156862745098,
    do_normalize: true,
    image_mean: [0.485, 0.456, 0.406],
    image_std: [0.229, 0.224, 0.225],
  },
  'labels.json': ['circle', 'square', 'triangle', 'star'],
};

const classifier = fixture('command-line/classifier.onnx');
const tokens = fixture('command-line/tokens.onnx');
const colours = { kind: 'image', size: [12, 12], range: [0, 1] };

/** Opens a model, uses it and closes it. */
async function withModel(source, use, options = soundly) {
  const model = await wherefore.loadModel(source, options);
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

/** Reads a file as the input of a model, as `explain` does. */
const asInput = (model, input, settings, name) => (bytes) =>
  withModel(model, (opened) =>
    wherefore.readModelInputs(
      opened,
      written(name, bytes),
      wherefore.preprocessingSchema.parse({ inputs: { [input]: settings } }),
    ),
  );

/** A folder with a sound model, a sound image and one damaged file beside them. */
async function beside(name, bytes) {
  const folder = join(scratch, 'beside');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.onnx'), classifier);
  writeFileSync(join(folder, 'image.png'), fixture('images/rgb.png'));
  writeFileSync(join(folder, name), bytes);
  await withModel(join(folder, 'model.onnx'), async (model) => {
    await wherefore.explain(model, join(folder, 'image.png'), { methods: ['gradient'], layers: ['image'] });
  });
}

/** An explanation of a small model, made once, to be replayed from damaged documents. */
let sound;
const explanation = () =>
  (sound ??= withModel(classifier, async (model) => {
    const image = wherefore.tensor(
      'float32',
      [1, 3, 12, 12],
      Float32Array.from({ length: 432 }, (_, i) => Math.sin(i)),
    );
    const options = {
      methods: ['integrated-gradients'],
      parameters: { 'integrated-gradients': { steps: 5 } },
      layers: ['image'],
    };
    const [explained] = await wherefore.explain(model, new Map([['image', image]]), {
      ...options,
      baseline: { kind: 'zero' },
    });
    return explained;
  }));

const replayed = (document, tensors) =>
  withModel(classifier, (model) =>
    wherefore.replay(model, { document, tensors }, { folders: [scratch], anyModel: true }),
  );

/** Zeros for the inputs of a model, free axes of size 2; undefined where they would be many. */
function zeros({ graph }) {
  const taken = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const inputs = new Map();
  for (const { name, type, shape } of taken) {
    const sizes = (shape ?? []).map((size) => (typeof size === 'number' ? size : 2));
    const count = sizes.reduce((a, b) => a * b, 1);
    if (type === undefined || type === 'string' || !(count <= 200_000)) return undefined;
    inputs.set(name, wherefore.fromNumbers(type, sizes, new Float64Array(count)));
  }
  return inputs;
}

/** A model: opened; every fifth also looked into or explained, which runs it and its gradient. */
async function useModel(bytes, i) {
  const use = async (model) => {
    if (i % 10 === 0) await wherefore.inspect(model);
    if (i % 10 !== 4) return;
    const inputs = zeros(model);
    if (inputs) await wherefore.explain(model, inputs, { methods: ['gradient'] });
  };
  await withModel(bytes, use, guarded);
}

export const models = {
  kind: 'onnx',
  seeds: ['command-line', 'architectures', 'pipelines', 'quantized', 'training'].flatMap((folder) =>
    fixtures(folder, /onnx$/),
  ),
  change: mutateModel,
  read: useModel,
};

const audio = { kind: 'audio', rate: 16_000 };
const table = 'a,b,c\n1,x,2\n3,"y, z",4\n';
const lines = '{"a":1,"b":"x"}\n{"a":2,"b":null}\n';

/** Files beside models. Each has the same chance. */
export const data = [
  { kind: 'npy', seeds: fixtures('arrays', /npy$/), read: (bytes) => wherefore.readNpy(bytes) },
  { kind: 'npz', seeds: fixtures('arrays', /npz$/), read: (bytes) => wherefore.readNpz(bytes, 'npz', 2 ** 26) },
  { kind: 'safetensors', seeds: fixtures('arrays', /safetensors$/), read: (bytes) => wherefore.readSafetensors(bytes) },
  {
    kind: 'idx',
    seeds: [idxOf([2, 3, 4], 8), idxOf([5], 13)],
    read: (bytes) => wherefore.readIdx(bytes, 'idx', 2 ** 26),
  },
  { kind: 'csv', seeds: bytesOf(table), change: asText(mutateText), read: text(wherefore.readCsv) },
  { kind: 'jsonl', seeds: bytesOf(lines), change: asText(mutateText), read: text(wherefore.readJsonLines) },
  { kind: 'parquet', seeds: fixtures('tables', /parquet$/), read: (bytes) => wherefore.readParquet(bytes) },
  {
    kind: 'yaml',
    seeds: fixtures('preprocessing', /yaml$/),
    change: asText(mutateText),
    read: text(wherefore.parsePreprocessing),
  },
  {
    kind: 'png',
    seeds: fixtures('images', /png$/),
    change: mutatePng,
    read: asInput(classifier, 'image', colours, 'x.png'),
  },
  { kind: 'jpeg', seeds: fixtures('images', /jpg$/), read: asInput(classifier, 'image', colours, 'x.jpg') },
  { kind: 'webp', seeds: fixtures('images', /webp$/), read: asInput(classifier, 'image', colours, 'x.webp') },
  { kind: 'gif, tiff', seeds: fixtures('images', /gif$|tif$/), read: asInput(classifier, 'image', colours, 'x.tif') },
  { kind: 'wav', seeds: fixtures('audio', /wav$/), read: asInput(classifier, 'image', audio, 'x.wav') },
  {
    kind: 'flac',
    seeds: fixtures('audio', /flac$/),
    change: mutateFlac,
    read: asInput(classifier, 'image', audio, 'x.flac'),
  },
  {
    kind: 'tokenizer',
    seeds: bytesOf(...tokenizers),
    change: asText(mutateJson),
    read: (bytes) =>
      withModel(tokens, (model) => {
        const settings = { inputs: { ids: { kind: 'text', tokenizer: written('tokenizer.json', bytes) } } };
        return wherefore.readModelInputs(
          model,
          'a b aaaaaaaaaaaaaaaaaaaaaaaaaab',
          wherefore.preprocessingSchema.parse(settings),
        );
      }),
  },
  ...Object.entries(configs).map(([name, content]) => ({
    kind: name,
    seeds: bytesOf(JSON.stringify(content)),
    change: asText(mutateJson),
    read: (bytes) => beside(name, bytes),
  })),
  {
    kind: 'explanation',
    seeds: async () => bytesOf(JSON.stringify((await explanation()).document)),
    change: asText(mutateJson),
    read: text(async (json) =>
      replayed(wherefore.parseDocument(json, 'explanation.json'), (await explanation()).tensors),
    ),
  },
  {
    kind: 'tensors of an explanation',
    seeds: async () => [wherefore.writeSafetensors(Object.fromEntries((await explanation()).tensors))],
    read: async (bytes) => replayed((await explanation()).document, wherefore.readSafetensors(bytes).tensors),
  },
];

/** An IDX file of bytes (8) or floats (13). */
function idxOf(shape, type) {
  const count = shape.reduce((a, b) => a * b);
  const file = Buffer.alloc(4 + 4 * shape.length + count * (type === 8 ? 1 : 4));
  file.set([0, 0, type, shape.length]);
  shape.forEach((size, i) => {
    file.writeUInt32BE(size, 4 + 4 * i);
  });
  return new Uint8Array(file);
}

/**
 * One damaged file, made and read.
 * @param {any} kind
 * @param {number} i which one
 * @param {ReturnType<typeof import('./random.mjs').chances>} chance
 */
export async function oneCase({ seeds, change = mutateBytes, read }, i, chance) {
  const list = typeof seeds === 'function' ? await seeds() : seeds;
  await read(change(chance.pick(list), chance), i);
}
