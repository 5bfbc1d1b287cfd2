import { parseArgs } from 'node:util';
import { WhereforeError } from '../../src/errors.ts';
import { measureCases } from './cases.ts';
import { measureEdit } from './edit.ts';
import { measureAgreement, measureEnglish } from './english.ts';
import { measureFacts } from './facts.ts';
import { measureLeftOut } from './left-out.ts';
import { measureLong } from './long.ts';
import { measureLookup, measureRandomLookup } from './lookup.ts';
import { measurePlanted } from './planted.ts';
import { measureSources } from './sources.ts';
import { measureWhySpeed } from './why-speed.ts';

// What the trained models with known answers say of the methods.
//   npm run bench:language -- lookup lookup-random [--count 40] [--sentences 16] [--method lrp]
//   npm run bench:language -- facts [--count 40] [--method ek-fac] [--models folder]
//   npm run bench:language -- long [--count 30] [--memory 1536] [--method texts] [--method prompt]
//   npm run bench:language -- edit --models folder [--count 40]   (what language:train -- facts --out left)
//   npm run bench:language -- left-out [--seeds 2]
//   npm run bench:language -- sources [--count 100]
//   npm run bench:language -- planted [--seeds 3] [--method judge]   (gap, judge, words, concepts, circuit, induction, reasoning, shortcut)
//   npm run bench:language -- english [--count 200]
//   npm run bench:language -- agreement [--count 50]
//   npm run bench:language -- cases --models folder   (what bench/language/case_records.py wrote)
//   npm run build && npm run bench:language -- why-speed [--rounds 5] [--method gradient] [--models folder]   (beside PyTorch: WHEREFORE_PYTHON names its Python)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '40' },
    sentences: { type: 'string', default: '16' },
    seed: { type: 'string', default: '11' },
    method: { type: 'string', multiple: true, default: [] },
    seeds: { type: 'string' },
    models: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    memory: { type: 'string', default: '1536' },
  },
});
const numbers = { count: Number(values.count), sentences: Number(values.sentences), seed: Number(values.seed) };

const lookups = { ...numbers, ...(values.method.length > 0 && { methods: values.method }) };

const measurements: Readonly<Record<string, () => Promise<void>>> = {
  lookup: () => measureLookup(lookups),
  'lookup-random': () => measureRandomLookup(lookups),
  sources: () => measureSources(numbers),
  long: () => measureLong(numbers.count, Number(values.memory), values.method),
  planted: () => measurePlanted(Number(values.seeds ?? 3), values.method),
  english: () => measureEnglish(numbers.count),
  agreement: () => measureAgreement(numbers.count),
  facts: () => measureFacts({ questions: numbers.count, methods: values.method, models: values.models }),
  edit: () => measureEdit(numbers.count, values.models ?? '.wherefore/models'),
  'left-out': () => measureLeftOut(Number(values.seeds ?? 2)),
  'why-speed': () => measureWhySpeed({ rounds: Number(values.rounds), works: values.method, models: values.models }),
  cases: async () => measureCases(values.models ?? '.wherefore/cases'),
};

for (const name of positionals.length > 0
  ? positionals
  : Object.keys(measurements).filter((name) => !['cases', 'edit', 'why-speed'].includes(name))) {
  const run = measurements[name];
  if (!run) throw new WhereforeError('unknown-name', 'there is no such measurement', { got: name });
  const began = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(began);
  console.log(`${((user + system) / 1e6).toFixed(0)} s of a processor\n`);
}
