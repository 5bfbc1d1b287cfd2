// @ts-nocheck: mutants are put together field by field, against the types on purpose.
// Damaged files: mutants of the fixtures, read by the built package in child processes. `npm run fuzz` makes 2,000 of them;
// `npm run fuzz -- --count 20000 --seed 7` more, others; `--seconds 60` begins no further hundred after that time.
// A file may be refused with a WhereforeError or be read; a crash, a hang or another exception
// is a fault. Prints the faults, each with the seed that makes it again, and the totals.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: 'Infinity' },
    from: { type: 'string', default: '0' },
    child: { type: 'boolean', default: false },
  },
});
const seed = Number(options.seed);
const count = Number(options.count);

/** Cases of one child process, seconds for one case, and how many cases lie between two whose model is run. */
const batch = 250;
const patience = 20;
const runEvery = 10;

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function random(from) {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const chooser = (draw) => (list) => list[Math.floor(draw() * list.length)];

const numbers = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  7n,
  255n,
  65536n,
  2147483647n,
  -2147483648n,
  2n ** 40n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const names = [
  '',
  'x',
  '__proto__',
  'constructor',
  'toString',
  'a\0b',
  '../../etc/passwd',
  'Loop',
  'If',
  'Conv',
  '\ud800',
  'é'.repeat(300),
];

/** One change of a decoded model: a field of a node, an attribute, a shape, a type, a name, the data of a weight. */
const modelMutations = [
  (model, pick) => {
    const node = pick(model.graph.node);
    if (node)
      pick([() => (node.opType = pick(names)), () => (node.domain = pick(names)), () => (node.name = pick(names))])();
  },
  (model, pick, draw) => {
    const node = pick(model.graph.node);
    const list = node && pick([node.input, node.output]);
    if (list) list[Math.floor(draw() * (list.length + 1))] = pick([...names, ...node.input, ...node.output]);
  },
  (model, pick) => {
    const nodes = model.graph.node;
    pick([() => nodes.push(pick(nodes)), () => nodes.reverse(), () => nodes.splice(Math.floor(nodes.length / 2), 1)])();
  },
  (model, pick, draw) => {
    const attribute = pick(model.graph.node.flatMap((node) => node.attribute));
    if (!attribute) return;
    pick([
      () => (attribute.i = pick(numbers)),
      () => (attribute.ints = attribute.ints.map((one) => (draw() < 0.5 ? pick(numbers) : one))),
      () => attribute.ints.push(pick(numbers)),
      () => attribute.ints.pop(),
      () => (attribute.f = pick([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e38])),
      () => (attribute.s = Uint8Array.of(255, 254, 0)),
      () => (attribute.type = Math.floor(draw() * 16)),
      () => (attribute.name = pick([...names, 'group', 'axis', 'kernel_shape', 'strides', 'pads', 'perm'])),
    ])();
  },
  (model, pick, draw) => {
    const weight = pick(model.graph.initializer);
    if (!weight) return;
    pick([
      () => (weight.dims = weight.dims.map((one) => (draw() < 0.5 ? pick(numbers) : one))),
      () => weight.dims.push(pick(numbers)),
      () => (weight.dims = []),
      () => (weight.dataType = Math.floor(draw() * 26)),
      () => (weight.rawData = weight.rawData.slice(0, Math.floor(draw() * weight.rawData.length))),
      () => (weight.name = pick(names)),
      () => (weight.dataLocation = 1),
    ])();
  },
  (model, pick, draw) => {
    const type = pick([...model.graph.input, ...model.graph.output])?.type?.value;
    if (type?.case !== 'tensorType') return;
    pick([
      () => (type.value.elemType = Math.floor(draw() * 26)),
      () => {
        const dimension = pick(type.value.shape?.dim ?? []);
        if (dimension) dimension.value = { case: 'dimValue', value: pick(numbers) };
      },
      () => type.value.shape?.dim.pop(),
      () => (type.value.shape = undefined),
    ])();
  },
  (model, pick) => {
    const value = pick([...model.graph.input, ...model.graph.output]);
    if (value) value.name = pick(names);
  },
  (model, pick) => {
    const opset = pick(model.opsetImport);
    if (opset) pick([() => (opset.version = pick(numbers)), () => (opset.domain = pick(names))])();
  },
  (model, pick) => {
    model.irVersion = pick(numbers);
  },
];

/** Bytes changed, cut off, repeated or replaced. */
function mutateBytes(bytes, pick, draw) {
  const at = () => Math.floor(draw() * bytes.length);
  return pick([
    () => bytes.slice(0, at()),
    () => {
      const copy = bytes.slice();
      for (let i = 0; i <= draw() * 8; i++) copy[at()] = Math.floor(draw() * 256);
      return copy;
    },
    () => {
      const copy = bytes.slice();
      copy[at()] ^= 1 << Math.floor(draw() * 8);
      return copy;
    },
    () => {
      const [from, length] = [at(), Math.floor(draw() * 64)];
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from, from + length), bytes.subarray(from)]);
    },
  ])();
}

/** A text changed where it has words, numbers and brackets. */
function mutateText(text, pick, draw) {
  const pieces = text.split(/(\w+|[^\w])/).filter(Boolean);
  const strange = [
    '__proto__',
    'null',
    '-1',
    '1e999',
    '[',
    '{',
    '}',
    ':',
    '"',
    '*a',
    '&a',
    '\0',
    '99999999999999999999',
    '(a+)+$',
    '\n',
    ',',
  ];
  for (let i = 0; i <= draw() * 4; i++) {
    const at = Math.floor(draw() * pieces.length);
    pick([
      () => (pieces[at] = pick(strange)),
      () => pieces.splice(at, 1),
      () => pieces.splice(at, 0, pieces[at], pick(strange)),
    ])();
  }
  return pieces.join('');
}

function mutateModel(bytes, pick, draw) {
  if (draw() < 0.25) return mutateBytes(bytes, pick, draw);
  const model = fromBinary(ModelProtoSchema, bytes);
  for (let i = 0; i <= draw() * 3; i++) pick(modelMutations)(model, pick, draw);
  try {
    return toBinary(ModelProtoSchema, model);
  } catch {
    // What protobuf cannot write (half of a letter) no file can hold.
    return mutateBytes(bytes, pick, draw);
  }
}

const fixtures = (folder, pattern) =>
  readdirSync(join(root, 'test/fixtures', folder))
    .filter((name) => pattern.test(name))
    .map((name) => new Uint8Array(readFileSync(join(root, 'test/fixtures', folder, name))))
    .filter((bytes) => bytes.length < 300_000);

const smallTokenizer = JSON.stringify({
  version: '1.0',
  truncation: null,
  padding: null,
  normalizer: null,
  post_processor: null,
  decoder: null,
  added_tokens: [{ id: 0, content: '[UNK]', special: true }],
  pre_tokenizer: { type: 'Split', pattern: { Regex: '\\w+|[^\\w\\s]' }, behavior: 'Isolated', invert: false },
  model: { type: 'WordLevel', vocab: { '[UNK]': 0, a: 1, b: 2 }, unk_token: '[UNK]' },
});

async function child() {
  const load = (path) => import(join(root, 'dist', path));
  const [
    { WhereforeError, loadModel },
    { readNpy },
    { readNpz },
    { readSafetensors },
    csv,
    yaml,
    tokenizers,
    { inspect },
  ] = await Promise.all(
    [
      'index.js',
      'data/npy.js',
      'data/npz.js',
      'data/safetensors.js',
      'data/csv.js',
      'data/preprocessing-file.js',
      'data/tokenizer.js',
      'report/inspect.js',
    ].map(load),
  );
  const models = [...fixtures('command-line', /onnx$/), ...fixtures('architectures', /onnx$/)];
  const texts = (...list) => list.map((text) => new TextEncoder().encode(text));
  const text = (read) => (bytes) => read(bytes.toString());
  const data = [
    { kind: 'npy', seeds: fixtures('arrays', /npy$/), read: (bytes) => readNpy(bytes) },
    { kind: 'npz', seeds: fixtures('arrays', /npz$/), read: (bytes) => readNpz(bytes, 'npz', 2 ** 26) },
    { kind: 'safetensors', seeds: fixtures('arrays', /safetensors$/), read: (bytes) => readSafetensors(bytes) },
    { kind: 'csv', seeds: texts('a,b,c\n1,x,2\n3,"y, z",4\n'), read: text((all) => csv.readCsv(all)), isText: true },
    {
      kind: 'jsonl',
      seeds: texts('{"a":1,"b":"x"}\n{"a":2,"b":null}\n'),
      read: text((all) => csv.readJsonLines(all)),
      isText: true,
    },
    {
      kind: 'yaml',
      seeds: fixtures('preprocessing', /yaml$/),
      read: text((all) => yaml.parsePreprocessing(all)),
      isText: true,
    },
    {
      kind: 'tokenizer',
      seeds: texts(smallTokenizer),
      read: text((all) => tokenizers.parseTokenizer(all).encode('a b aaaaaaaaaaaaaaaaaaaaaaaaaab')),
      isText: true,
    },
  ];
  for (let i = Number(options.from); i < Number(options.from) + count; i++) {
    const draw = random(seed * 1_000_003 + i);
    const pick = chooser(draw);
    const isModel = i % 2 === 0;
    const kind = isModel ? undefined : pick(data);
    console.log(JSON.stringify({ begun: i, kind: kind?.kind ?? 'onnx' }));
    let outcome = 'read';
    try {
      if (kind) {
        const bytes = pick(kind.seeds);
        await kind.read(
          kind.isText && draw() < 0.8
            ? Buffer.from(mutateText(Buffer.from(bytes).toString(), pick, draw))
            : Buffer.from(mutateBytes(bytes, pick, draw)),
        );
      } else {
        const model = await loadModel(mutateModel(pick(models), pick, draw), { threads: 1, timeLimit: 5 });
        try {
          if (i % runEvery === 0) await inspect(model);
        } finally {
          await model.close();
        }
      }
    } catch (error) {
      outcome =
        error instanceof WhereforeError && error.code !== 'internal' ? error.code : `foreign: ${error?.stack ?? error}`;
    }
    console.log(JSON.stringify({ ended: i, outcome }));
  }
  process.exit(0);
}

/** Runs cases from one on in a process; tells each outcome; returns the first case that is still to do. */
function runBatch(from, most, tell) {
  return new Promise((resolve) => {
    const words = ['--child', '--seed', String(seed), '--from', String(from), '--count', String(most)];
    const worker = spawn(process.execPath, [fileURLToPath(import.meta.url), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let open;
    let next = from;
    let hung = false;
    let clock;
    const watch = () => {
      clearTimeout(clock);
      clock = setTimeout(() => {
        hung = true;
        worker.kill('SIGKILL');
      }, patience * 1000);
    };
    watch();
    createInterface({ input: worker.stdout }).on('line', (line) => {
      watch();
      const said = JSON.parse(line);
      if (said.begun !== undefined) open = said;
      else {
        tell(open.kind, said.ended, said.outcome);
        next = said.ended + 1;
        open = undefined;
      }
    });
    worker.on('close', (code, signal) => {
      clearTimeout(clock);
      if (open) {
        tell(open.kind, open.begun, hung ? 'hang' : `crash: ${signal ?? code}`);
        next = open.begun + 1;
      } else if (next === from) throw new Error(`the process that reads the files did not start (${signal ?? code})`);
      resolve(next);
    });
  });
}

async function parent() {
  const totals = new Map();
  const faults = [];
  const tell = (kind, number, outcome) => {
    const isFault = /^(hang|crash|foreign)/.test(outcome);
    const key = `${kind} ${isFault ? outcome.split(':')[0] : outcome === 'read' ? 'read' : 'refused'}`;
    totals.set(key, (totals.get(key) ?? 0) + 1);
    if (!isFault) return;
    faults.push(number);
    console.log(`FAULT ${kind} --seed ${seed} --from ${number} --count 1: ${outcome.slice(0, 2000)}`);
  };
  const first = Number(options.from);
  const end = performance.now() + Number(options.seconds) * 1000;
  const size = Number.isFinite(end) ? 100 : batch;
  let next = first;
  while (next < first + count && performance.now() < end)
    next = await runBatch(next, Math.min(size, first + count - next), tell);
  for (const [key, number] of [...totals].sort()) console.log(`${key}: ${number}`);
  console.log(`${next - first} files, ${faults.length} faults`);
  process.exitCode = faults.length ? 1 : 0;
}

await (options.child ? child() : parent());
