import { loadModel } from '../src/data/model/load-model.ts';
import type { LoadedModel } from '../src/data/model/loaded-model.ts';
import { evaluate } from '../src/explain/evaluation/evaluate.ts';
import { explain } from '../src/explain/explain.ts';
import type { ExplainOptions } from '../src/explain/explain-options.ts';
import type { Duration } from '../src/explain/speed.ts';
import { processorSeconds } from './processes.ts';

// Forecast and actual seconds of several kinds of work with a model.
const [path, ...inputs] = process.argv.slice(2);
const [first] = inputs;
if (!first) {
  console.error('usage: npm run bench:forecast -- MODEL INPUT...');
  process.exit(1);
}

type Work = (model: LoadedModel, planned: (seconds: Duration) => void) => Promise<unknown>;

const explaining =
  (options: ExplainOptions): Work =>
  (model, planned) =>
    explain(model, first, { ...options, onPlanned: ({ seconds }) => planned(seconds) });

const work: Readonly<Record<string, Work>> = {
  'masks by forward passes': explaining({ methods: ['rise', 'occlusion'] }),
  'gradients in batches': explaining({ methods: ['smooth-grad'] }),
  'a path of adaptive length': explaining({ methods: ['integrated-gradients'] }),
  'the default': explaining({}),
  scorecards: explaining({ methods: ['gradient-x-input'], score: true }),
  'an evaluation': (model, planned) =>
    evaluate(model, inputs, {
      methods: ['integrated-gradients', 'gradient-x-input', 'occlusion'],
      onPlanned: ({ forecast }) => planned(forecast.seconds),
    }),
};

for (const [name, run] of Object.entries(work)) {
  // Anew for each, so that none finds sessions that another opened.
  const model = await loadModel(path);
  let began = performance.now();
  let before = processorSeconds();
  let [trial, least, most] = [0, 0, 0];
  await run(model, (seconds) => {
    ({ least, most } = seconds);
    trial = (performance.now() - began) / 1000;
    began = performance.now();
    before = processorSeconds();
  });
  const taken = (performance.now() - began) / 1000;
  const processors = processorSeconds() - before;
  const off = taken < least ? least / taken : Math.max(1, taken / most);
  const range = least === most ? most.toFixed(2) : `${least.toFixed(2)} to ${most.toFixed(2)}`;
  console.log(
    `${name}: forecast ${range} s after ${trial.toFixed(2)} s, taken ${taken.toFixed(2)} s (${processors.toFixed(2)} s of processors), off by ${off.toFixed(2)}`,
  );
  await model.close();
}
