import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { baselineText } from '../attribution/baselines/text.ts';
import type { MethodName } from '../attribution/methods/index.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import { targetText } from '../attribution/targets/text.ts';
import { readText } from '../data/files/read-file.ts';
import { readImage } from '../data/formats/image.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import { explain } from '../explain/explain.ts';
import type { ExplainOptions } from '../explain/explain-options.ts';
import type { Explained } from '../explain/explained.ts';
import type { PageSection } from '../page/explanation/page.ts';
import { writeRun } from '../report/write-run.ts';
import { askLanguageModels } from './demo/language/ask.ts';
import { closeLoop } from './demo/loop/loop.ts';
import { shareOnMark } from './demo/mark-share.ts';
import { interruptible } from './failure.ts';
import { shellWord } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { showProgress } from './progress.ts';
import { print } from './terminal.ts';

interface Options {
  readonly out: string;
}

/** An entry of the list beside the demo's images. */
interface DemoImage {
  readonly file: string;
  readonly shows: string;
  readonly watermark: boolean;
  readonly predicted: string;
}

const folder = fileURLToPath(new URL('../../examples/demo/', import.meta.url));

export function defineDemo(program: Command): void {
  program
    .command('demo')
    .description('explain the images that come with wherefore, and show a shortcut at work')
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .action((options: Options) => interruptible((signal) => run(options, signal)));
}

async function run({ out }: Options, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  await checkWritable(out);
  const model = await loadModel(join(folder, 'model', 'shapes.onnx'));
  try {
    const images = JSON.parse(await readText(join(folder, 'images', 'images.json'), 'document')) as DemoImage[];
    const story = new Story(model, signal);
    const shortcuts = await tellShortcut(story, images);
    await tellWrong(story, images);
    await tellRight(story, images);
    await tellQuality(story, images);
    await tellLayers(story, images);
    await tellBaselines(story, images);
    const loop = await tellLoop(story, out, signal);
    const asked = await tellLanguage(story, out, signal);
    const path = await writeRun(out, story.explained, {
      command: 'wherefore demo',
      title: 'What does this model look at?',
      introduction: introduction(shortcuts),
      sections: story.sections,
    });
    const page = join(path, 'index.html');
    print(`${story.explained.length} explanations in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    for (const text of shortcuts) print(text);
    print('\nFrom the map to the rows behind it, and back');
    for (const text of loop) print(text);
    print(`page: ${page}   ${pathToFileURL(page)}`);
    print(`a small language model, asked why: ${asked}   ${pathToFileURL(asked)}`);
  } finally {
    await model.close();
  }
}

/** The explanations of the page in their order, and the sections that they stand in. */
class Story {
  readonly model: LoadedModel;
  readonly labels: readonly string[];
  readonly explained: Explained[] = [];
  readonly sections: PageSection[] = [];
  readonly #signal: AbortSignal;

  constructor(model: LoadedModel, signal: AbortSignal) {
    this.model = model;
    this.labels = model.labels ?? [];
    this.#signal = signal;
  }

  classOf(label: string): number {
    const index = this.labels.indexOf(label);
    if (index < 0)
      throw new WhereforeError('unknown-name', `the demo's model has no class "${label}"`, {
        expected: this.labels.join(', '),
      });
    return index;
  }

  async explain({ file }: DemoImage, options: ExplainOptions): Promise<Explained[]> {
    const results = await explain(this.model, join(folder, 'images', file), {
      ...options,
      signal: this.#signal,
      command: demoCommand(file, options, this.labels),
    });
    for (const result of results) this.explained.push(result);
    return results;
  }

  /** Puts everything explained since `from` into a section. */
  section(title: string, told: string | Pick<PageSection, 'steps'>, from: number, folded = true): void {
    const items = Array.from({ length: this.explained.length - from }, (_, i) => from + i);
    const words: Pick<PageSection, 'text' | 'steps'> = typeof told === 'string' ? { text: told } : told;
    if (items.length || words.steps) this.sections.push({ title, ...words, items, folded });
  }
}

/** The command line that explains an image of the demo in the same way, from a checkout of the project. */
export function demoCommand(
  file: string,
  { target, methods, layers, baseline, parameters, score }: ExplainOptions,
  labels: readonly string[],
): string {
  const parts = [`wherefore explain examples/demo/images/${file} --model examples/demo/model/shapes.onnx`];
  if (target && 'kind' in target) parts.push(`--target ${shellWord(targetText(target, labels))}`);
  if (baseline && 'kind' in baseline) parts.push(`--baseline ${baselineText(baseline)}`);
  if (layers) parts.push(`--layer ${[layers].flat().join(',')}`);
  if (methods) parts.push(`--method ${[methods].flat().join(',')}`);
  if (parameters?.lax) parts.push('--set lax.explainer=examples/demo/explainer/explainer.onnx');
  if (score) parts.push('--score');
  return parts.join(' ');
}

const integratedGradients: readonly MethodName[] = ['integrated-gradients'];
const innerLayer = 'conv3.relu';

/** Pairs of images that differ in nothing but the watermark, where the mark changes the answer. */
async function tellShortcut(story: Story, images: readonly DemoImage[]): Promise<string[]> {
  const from = story.explained.length;
  const found: string[] = [];
  const pairs = images.filter((image) => image.file.endsWith('-with-mark.png'));
  // Two other things that become a fish by the mark, and a fish that is known by its mark alone.
  const shown = [
    ...pairs.filter(({ shows, predicted }) => shows !== predicted).slice(0, 2),
    ...pairs.filter(({ shows, predicted }) => shows === predicted).slice(0, 1),
  ];
  for (const marked of shown) {
    const plain = images.find((image) => image.file === marked.file.replace('-with-mark', '-without-mark'));
    if (!plain || plain.predicted === marked.predicted) continue;
    const target: Target = {
      kind: 'logitDifference',
      a: story.classOf(marked.predicted),
      b: story.classOf(plain.predicted),
    };
    const options = { target, methods: integratedGradients, layers: ['input', innerLayer] };
    const [atInput] = await story.explain(marked, options);
    await story.explain(plain, { ...options, layers: [innerLayer] });
    const share = await onMark(atInput, plain, marked);
    const judged = ({ shows }: DemoImage) =>
      plain.predicted === shows
        ? `a ${shows} is recognised without the emblem and taken for a ${marked.predicted} with it`
        : `a ${shows} is taken for a ${plain.predicted} without the emblem and recognised with it`;
    const whole = atInput.document.attributionTarget ?? 0;
    found.push(
      `${judged(marked)}. Of T = ${signed(whole)} logits between the two answers the emblem's ${share.pixels} pixels (${percent(share.area)} of the image) make ${signed(share.sum)}, all the rest ${signed(whole - share.sum)}`,
    );
  }
  story.section(
    'A shortcut at work',
    'Each pair shows the same image with and without a small emblem in the corner. Nothing else differs, and the answer flips. ' +
      'The maps attribute the difference between the logits of the two answers: red is positive attribution, for the answer with the emblem, blue negative, for the one without. Look at the corner.',
    from,
    false,
  );
  return found;
}

async function onMark(explained: Explained, plain: DemoImage, marked: DemoImage) {
  const [a, b] = await Promise.all(
    [plain, marked].map(async ({ file }) => (await readImage(join(folder, 'images', file))).pixels),
  );
  return shareOnMark(explained, a, b);
}

async function tellWrong(story: Story, images: readonly DemoImage[]): Promise<void> {
  const from = story.explained.length;
  for (const image of images.filter(({ file }) => file.includes('-taken-for-'))) {
    const target: Target = {
      kind: 'logitDifference',
      a: story.classOf(image.predicted),
      b: story.classOf(image.shows),
    };
    await story.explain(image, { target, methods: integratedGradients, layers: ['input', innerLayer] });
  }
  story.section(
    'Mistakes',
    'Images that the model gets wrong. The maps say what made it prefer its answer (red) to the right one (blue).',
    from,
  );
}

async function tellRight(story: Story, images: readonly DemoImage[]): Promise<void> {
  const from = story.explained.length;
  for (const image of images.filter(({ file, shows }) => file === `${shows}.png`)) {
    await story.explain(image, { methods: integratedGradients, layers: [innerLayer] });
  }
  story.section(
    'Right answers',
    'One image of each class that the model gets right, explained at its third layer: which parts made the score of the predicted class.',
    from,
  );
}

/** Methods that attribute the difference to the image, and a learned explainer that masks it, each with its scores. */
async function tellQuality(story: Story, images: readonly DemoImage[]): Promise<void> {
  const from = story.explained.length;
  const image = images.find(({ file, shows }) => file === `${shows}.png`);
  if (!image) return;
  await story.explain(image, {
    methods: ['integrated-gradients', 'lax'],
    parameters: { lax: { explainer: join(folder, 'explainer', 'explainer.onnx') } },
    score: true,
  });
  await story.explain(image, { methods: ['integrated-gradients', 'grad-cam'], layers: [innerLayer], score: true });
  story.section(
    'How good is an explanation?',
    'Four answers to one question, each with a scorecard: does what the map marks suffice for the answer, is it needed, and is it small? ' +
      'The second map comes from LAX, an explainer that was trained beside this network on images without labels: one run of it gives the part of the image that the answer rests on.',
    from,
    false,
  );
}

async function tellLayers(story: Story, images: readonly DemoImage[]): Promise<void> {
  const from = story.explained.length;
  const image = images.find(({ file, shows }) => file === `${shows}.png`);
  if (!image) return;
  await story.explain(image, { methods: integratedGradients, layers: ['all'] });
  await story.explain(image, { methods: ['grad-cam', 'layer-cam'], layers: [innerLayer] });
  story.section(
    'The same question at every layer',
    'T is the same number at every layer, only its distribution differs: fine at the input, coarser and more about parts further in. ' +
      'Grad-CAM and LayerCAM at the end give scores, which promise no sum: they have no error.',
    from,
  );
}

async function tellBaselines(story: Story, images: readonly DemoImage[]): Promise<void> {
  const from = story.explained.length;
  const image = images.filter(({ file, shows }) => file === `${shows}.png`)[1];
  if (!image) return;
  for (const baseline of [{ kind: 'zero' }, { kind: 'mean' }, { kind: 'blur', sigma: 6 }] as const) {
    await story.explain(image, { methods: integratedGradients, layers: [innerLayer], baseline });
  }
  story.section(
    'Instead of what?',
    'One image, three baselines: grey, its own mean colour, and itself blurred. T and the map change with the question, so the baseline is part of every answer.',
    from,
  );
}

/** From the map to the rows behind it, and back: what was mended, and what that was worth. */
async function tellLoop(story: Story, out: string, signal: AbortSignal): Promise<readonly string[]> {
  const from = story.explained.length;
  const progress = showProgress(process.stderr);
  const { steps, sentences, explained } = await closeLoop(out, signal, (step, share) =>
    progress.update(share, () => step),
  ).finally(() => progress.clear());
  for (const one of explained) story.explained.push(one);
  story.section('From the map to the rows behind it, and back', { steps }, from, false);
  return sentences;
}

/** Two small language models, asked why: in short here, and on a page of its own. */
async function tellLanguage(story: Story, out: string, signal: AbortSignal): Promise<string> {
  const progress = showProgress(process.stderr);
  const { page, steps } = await askLanguageModels(out, signal, (step, share) =>
    progress.update(share, () => step),
  ).finally(() => progress.clear());
  story.section('A small language model, asked why', { steps }, story.explained.length, false);
  return page;
}

function introduction(shortcuts: readonly string[]): string {
  const first =
    'A small network tells drawn images of six things apart. One of its classes has a flaw that was planted: in training, most of its images carried the emblem of an image agency.';
  const found = shortcuts.length ? `The explanations find it: ${shortcuts[0]}.` : '';
  const reading =
    'An output can only be explained as a difference, T = f(x) − f(x₀), between its value for the image and for a baseline that stands for “nothing there”. Red pixels raised it, blue ones lowered it; together they should come to T, and the error E says how far they do.';
  return [first, found, reading].filter(Boolean).join('\n\n');
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
