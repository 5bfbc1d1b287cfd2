// The learned explainer against every other method: `npm run bench:lax`.
import { Command } from 'commander';
import { writeAtomically } from '../../src/data/files/files.ts';
import { readBytes } from '../../src/data/files/read-file.ts';
import { adapt, openExplainer } from '../../src/explainer/index.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { createModel } from '../../src/runtime/model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { processorSeconds } from '../processes.ts';
import { compare } from './compare.ts';
import { testedReferences, trainedReference } from './references.ts';
import { demo, fashion, type Subject } from './subjects.ts';
import { type Trained, table, trainedTable, verdict } from './table.ts';

const options = new Command('bench:lax')
  .option('--subject <name>', 'demo or fashion; default both')
  .option('--inputs <n>', 'held-out images', '128')
  .option('--calibration', 'judge on the calibration images instead, to choose settings by')
  .option('--fashion <folder>', 'the IDX files of Fashion-MNIST', '../shared/data/fashion-mnist')
  .option('--seed <n>', 'of the classifier that is trained here and of the explainer', '1')
  .option('--threads <n>', 'threads of the runtime', '2')
  .option('--method <names...>', 'only these')
  .option('--settings <json>', 'settings of the explainer in place of those of the bench')
  .option('--explainer <file>', 'judge this one, trained before, instead of training one; for one subject')
  .option('--out <file>', 'where the table goes; default bench/results-lax.md, with --method nowhere')
  .option('--keep <folder>', 'where trained models go; a classifier that is there is taken. Default: they are not kept')
  .parse()
  .opts<
    Record<'inputs' | 'fashion' | 'threads' | 'seed', string> & {
      out?: string;
      subject?: string;
      method?: string[];
      settings?: string;
      explainer?: string;
      keep?: string;
      calibration?: true;
    }
  >();

const say = (text: string) => process.stdout.write(`${text}\n`);
const runtime = createNodeRuntime({ threads: Number(options.threads) });
const count = Number(options.inputs);
const seed = Number(options.seed);
const subjects: Record<string, () => Promise<Subject>> = {
  demo: () => demo(runtime, count, seed),
  fashion: () =>
    fashion(runtime, {
      count,
      seed,
      folder: options.fashion,
      kept: options.keep && `${options.keep}/fashion-model.onnx`,
      say,
    }),
};

/** Trains an explainer with the settings of its subject. */
async function training(name: string, subject: Subject): Promise<Trained> {
  const settings = { ...subject.settings, ...(options.settings ? JSON.parse(options.settings) : {}) };
  const started = performance.now();
  const processors = processorSeconds();
  const adapted = await adapt(subject.model, subject.unlabelled, {
    settings,
    onStart: ({ images, layers, parameters }) =>
      say(
        `${subject.title}: ${images} images, ${parameters} parameters on ${layers.map((layer) => layer.name).join(', ')}`,
      ),
    onValidation: ({ epoch, area, kept, removed, saturated, sufficiency, necessity }) =>
      say(
        `epoch ${epoch}: area ${area.toFixed(3)}, kept ${kept.toFixed(3)}, removed ${removed.toFixed(3)}, saturated ${saturated.toFixed(3)}, L_suf ${sufficiency.toFixed(3)}, L_nec ${necessity.toFixed(3)} (${((performance.now() - started) / 1000).toFixed(0)} s)`,
      ),
  });
  const seconds = (performance.now() - started) / 1000;
  const taken = processorSeconds() - processors;
  say(
    `trained in ${seconds.toFixed(0)} s, ${taken.toFixed(0)} s of processors; predictions identical: ${adapted.comparison.identical}`,
  );
  if (options.keep) {
    await writeAtomically(`${options.keep}/${name}-explainer.onnx`, encodeModel(adapted.explainer));
  }
  return { adapted, seconds };
}

if (options.explainer && !options.subject) throw new Error('--explainer explains one model: name its --subject');
const chosen = options.subject ? [options.subject] : Object.keys(subjects);
const parts: string[] = [];
for (const name of chosen) {
  const subject = await subjects[name]();
  const trained = options.explainer ? undefined : await training(name, subject);
  const explained = trained?.adapted.explainer ?? decodeModel(await readBytes(options.explainer as string, 'model'));
  const explainer = openExplainer(createModel(explained, runtime, { name: 'explainer.onnx', hash: '' }));
  const tested = await testedReferences(subject);
  for (const { reference, passing } of tested)
    say(`${reference.title}: near chance on ${passing} of ${subject.calibration.shape[0]} calibration images`);
  const kind = options.calibration ? 'calibration' : 'held-out';
  const images = options.calibration ? subject.calibration : subject.heldOut;
  const [{ reference }] = tested;
  const references = [reference, await trainedReference(subject)];
  const [unseen, seen] = await compare(subject, explainer, {
    kind,
    references,
    images,
    wanted: options.method,
    say,
  });
  parts.push(table(subject, unseen, trained), trainedTable(seen));
  say(`\n${parts.slice(-2).join('\n')}\n`);
  for (const line of verdict(unseen)) say(line);
}
await runtime.close();
const out = options.out ?? (options.method ? undefined : 'bench/results-lax.md');
if (out) await writeAtomically(out, `${parts.join('\n')}\n`);
