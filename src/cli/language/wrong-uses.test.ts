import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { wherefore } from '../../../test/command.ts';
import { languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { decodeModel } from '../../onnx/decode.ts';
import { encodeModel } from '../../onnx/encode.ts';
import type { Initializer } from '../../onnx/graph.ts';
import { float32 } from '../../tensor/tensor.ts';
import { withParameters } from '../../train/parameters.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-wrong-uses-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const models = fileURLToPath(new URL('../../../examples/language/models/', import.meta.url));
const [lookup, english, canaries, classifier, adds] = [
  'lookup',
  'english',
  'canaries',
  'shortcut',
  'addition-follows',
].map((name) => join(models, name));
const masked = join(languageFixtures, 'masked');

function written(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A folder with some files of the lookup model. */
function folderOf(name: string, ...files: readonly string[]): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const file of files) copyFileSync(join(lookup, file), join(path, file));
  return path;
}

/** The lookup model with one matrix that is no number. */
function spoilt(): string {
  const path = folderOf('nan', 'tokenizer.json', 'config.json');
  const model = decodeModel(readFileSync(join(lookup, 'model.onnx')));
  const name = 'layer0.qkv.weight';
  const { shape } = model.graph.initializers.get(name) as Initializer;
  const values = float32(shape, new Float32Array(shape[0] * shape[1]).fill(Number.NaN));
  writeFileSync(join(path, 'model.onnx'), encodeModel(withParameters(model, new Map([[name, values]]))));
  return path;
}

const one = written('one.txt', 'The doctor has the lamp .\n');
const nothing = written('nothing.txt', '');
const long = written('long.txt', 'The doctor has the lamp . '.repeat(200));
const binary = written('binary.txt', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe));
const sources = written('sources.txt', 'The doctor has the lamp .\n\nThe cook has the key .\n');
const rows = written('rows.jsonl', '{"text":"a","label":"x"}\n{"text":"b","label":"x"}\n');
const cut = written('cut.jsonl', '{"text":"a","label":"x"}\n{oops\n');
const asked = ['--prompt', 'The doctor has the', '--answer', ' lamp'];
const edits = [english, '--prompt', 'the dog is', '--subject', 'dog', '--answer', ' old'];

// What a person really types who has not read the guide, for each subcommand; more stand beside its own tests.
it.each<[readonly string[], RegExp]>([
  [['generate', one, '--prompt', 'x'], /this file is no model.*name the folder/],
  [['generate', folderOf('empty'), '--prompt', 'x'], /the folder has no such model.*model\.onnx/],
  [['generate', folderOf('untold', 'model.onnx'), '--prompt', 'x'], /no tokenizer.*put the tokenizer\.json/],
  [['generate', lookup, '--prompt-file', binary], /not UTF-8 text/],
  [['generate', lookup, '--prompt-file', folder], /no such file/],
  [['generate', lookup, '--prompt-file', long], /1201 tokens.*at most 352.*shorten/],
  [['generate', masked, '--prompt', 'the cat'], /cannot write a text.*write \[MASK\].*language why/],
  [['generat', lookup], /Did you mean generate/],
  [['why', lookup, ...asked, '--baseline', 'nonsense'], /no such baseline.*leave --baseline away/],
  [['why', lookup, ...asked, '--budget', '0'], /do not suffice.*--budget/],
  [['why', lookup, ...asked, '--memory', '0'], /megabytes from 1/],
  [['why', lookup, ...asked, '--alternative', 'doctor=old doctor'], /equally many tokens.*"old doctor" 2/],
  [['why', lookup, ...asked, '--keep', 'The doctor has the'], /all of the prompt is kept.*keep a part of it/],
  [['why', lookup, '--prompt', 'The doctor has the', '--answer', ' '], /the answer adds no token.*a word at least/],
  [['why', lookup, ...asked, '--methods', 'lrp'], /Did you mean --method/],
  [['why', lookup, ...asked, '--out', one], /is a file.*--out/],
  [['why', masked, '--prompt', 'the [MASK] sat', '--answer', 'cat dog'], /2 tokens.*for 1 mask/],
  [['why', 'gpt', '--endpoint', 'here', ...asked], /no web address/],
  [
    ['where', lookup, '--prompt', 'The doctor has the', '--toward', 'The', '--away', 'The'],
    /no direction.*texts that differ/,
  ],
  [['where', masked, '--prompt', 'the [MASK] sat'], /looks into decoders.*language why/],
  [['where', lookup, '--prompt', 'The doctor', '--corrupt', 'doctor=old doctor'], /equally many tokens/],
  [['circuit', masked, '--prompt', 'the [MASK] sat'], /looks into decoders/],
  [['circuit', lookup, '--prompt', ''], /the prompt is empty/],
  [['edit', lookup, ...asked, '--subject', 'doctor', '--texts', one], /the model has no MLP.*another model/],
  [['edit', ...edits], /required option '--texts/],
  [['edit', ...edits, '--texts', nothing], /holds no text/],
  [['edit', ...edits, '--texts', one, '--layer', '9'], /no MLP in this layer.*0 to 3/],
  [['edit', ...edits, '--texts', one, '--at', 'first'], /choices are subject, last/],
  [['edit', ...edits, '--texts', one, '--neighbours', join(folder, 'ones.txt')], /did you mean .*one\.txt/],
  [['edit', ...edits.with(4, 'cat'), '--texts', one], /does not hold the subject/],
  [['edit', canaries, ...edits.slice(1), '--texts', long], /1201 tokens.*at most 32/],
  [['edit', masked, ...edits.slice(1), '--texts', one], /cannot write a text/],
  [['features', lookup, '--texts', nothing], /holds no text/],
  [['features', lookup, '--texts', long], /longer than the model takes.*at most 352/],
  [['probe', cut, '--model', lookup], /line 2: not JSON/],
  [['probe', rows, '--model', lookup], /too few texts/],
  [['probe', one, '--model', lookup], /unknown kind of table.*\.csv/],
  [['reasoning', one, '--model', adds], /required option '--answer-mark/],
  [['reasoning', one, '--model', masked, '--answer-mark', ' #', '--step-end', ';'], /cannot write a text/],
  [['audit', 'honesty', one, '--model', lookup], /unknown kind of table/],
  [['audit', 'colour', one], /unknown command 'colour'/],
  [['audit', 'behaviour', one, '--model', lookup, '--shows', nothing], /holds no word/],
  [['sources', sources, '--question', '', '--model', lookup], /the question is empty/],
  [['sources', sources, '--question', 'What', '--model', lookup, '--floor', '-1'], /floor.*nats from 0/],
  [['sources', folder, '--question', 'What', '--model', lookup], /this is a folder/],
  [['sources', sources, '--model', lookup], /required option '--question/],
  [['shortcut', cut, '--model', classifier], /line 2: not JSON/],
  [['shortcut', rows], /required option '--model/],
  [['concepts', rows, '--concepts', nothing], /holds no concept/],
  [['concepts', cut, '--concepts', one], /line 2: not JSON/],
  [['judge', rows], /required option '--endpoint/],
  [['judge', rows, '--model', 'm', '--endpoint', 'here'], /no column "question"/],
  [['say', one], /not a JSON document/],
  [['say', folder], /does not hold one explanation/],
  [['taught', lookup, ...asked, '--data', nothing], /too few training texts/],
  [['taught', lookup, ...asked, '--data', binary], /not UTF-8 text/],
  [['taught', masked, ...asked, '--data', sources], /cannot write a text/],
])('language %j', async (words, message) => {
  const { code, errors } = await wherefore('language', ...words);
  expect(code).toBe(1);
  expect(errors).toMatch(message);
  // One message: what it is and what to do, no stack, and nothing of the program.
  expect(errors.match(/^error: /gm)).toHaveLength(1);
  expect(errors).not.toMatch(/went wrong|\n\s+at /);
});

it('says of a model with weights that are no numbers that it gives none', async () => {
  const model = spoilt();
  for (const words of [
    ['generate', model, '--prompt', 'The doctor'],
    ['why', model, ...asked],
    ['taught', model, ...asked, '--data', sources],
  ]) {
    const { code, errors } = await wherefore('language', ...words);
    expect(code).toBe(1);
    expect(errors).toMatch(/logits that are no numbers.*NaN.*export the model again/);
  }
});

it('tells which words the vocabulary lacks', async () => {
  const { code, output, errors } = await wherefore(
    'language',
    'generate',
    lookup,
    '--prompt',
    'zebra 🙂',
    '--max-tokens',
    '1',
  );
  expect(code).toBe(0);
  expect(output).not.toBe('');
  expect(errors).toMatch(/the vocabulary lacks “zebra”, “🙂”: the model reads <pad> there/);
});
