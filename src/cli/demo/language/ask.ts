import { basename, join } from 'node:path';
import { writeAtomically } from '../../../data/files/files.ts';
import { localTextModel } from '../../../language/generate/local-text-model.ts';
import { type LanguageModel, openLanguageModel } from '../../../language/model/language-model.ts';
import { sourceUse } from '../../../language/sources/source-use.ts';
import { whereInModel } from '../../../language/where/where.ts';
import { why } from '../../../language/why/why.ts';
import type { PageStep } from '../../../page/explanation/steps.ts';
import { type AskedChapter, renderAskedPage } from '../../../page/language/asked-page.ts';
import { renderWherePage } from '../../../page/language/where-page.ts';
import { renderWhyPage } from '../../../page/language/why-page.ts';
import { type LanguageRun, writeLanguageRun } from '../../../report/write-language.ts';
import { createNodeRuntime } from '../../../runtime/node.ts';
import { sourcesRun } from '../../language/sources.ts';
import { type Told, tellAgreement, tellEvidence, tellSources, tellWhere } from './chapters.ts';
import { agreement, evidence, languageCommand, modelFolder, twice } from './questions.ts';

const title = 'Ask a small language model why';

const introduction = [
  'Two language models of this project, trained by Wherefore itself, are asked why they answered as they did. The first (102,600 parameters) reads who has what, and is asked by names that the text does not use. The second (900,000 parameters) writes English of 532 words.',
  'They are small so that the right answer to each “why” is known. Each section shows the finding; the page behind it has all methods, their errors, their tests against orders that know nothing of the model, and the command that asks the same of another model.',
];

/** What was asked of language models. */
export interface AskedLanguage {
  /** The page with all questions. */
  readonly page: string;
  /** The same in short, for the page of the demo. */
  readonly steps: readonly PageStep[];
}

/** A question with its run and what is told of it. */
interface Answered {
  readonly run: LanguageRun;
  readonly told: Told;
}

/**
 * Asks two small language models why they answered. Every question leaves its own page, in a folder below `out` whose page
 * holds all.
 */
export async function askLanguageModels(
  out: string,
  signal: AbortSignal,
  say: (what: string, share: number) => void,
): Promise<AskedLanguage> {
  const folder = join(out, `${new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-')}-demo-language`);
  const runtime = createNodeRuntime();
  const models: LanguageModel[] = [];
  const open = async (name: string) => {
    models.push(await openLanguageModel(modelFolder(name), { runtime }));
    return models[models.length - 1];
  };
  try {
    const [lookup, english] = [await open('lookup'), await open('english')];
    const questions: readonly (() => Promise<Answered>)[] = [
      () => askEvidence(lookup, signal),
      () => askSources(lookup, signal),
      () => askAgreement(english, signal),
      () => askWhere(english, signal),
    ];
    const chapters: AskedChapter[] = [];
    const found: { title: string; isRight: boolean }[] = [];
    for (const [i, ask] of questions.entries()) {
      say('asks a small language model why', i / questions.length);
      const { run, told } = await ask();
      found.push({ title: told.title, isRight: told.isRight });
      const own = await writeLanguageRun(folder, run);
      const link = { href: `${basename(own)}/index.html`, text: 'The whole answer' };
      chapters.push({ ...told, link, command: run.command });
    }
    const page = join(folder, 'index.html');
    await writeAtomically(join(folder, 'sources.txt'), `${twice.sources.join('\n\n')}\n`);
    await writeAtomically(join(folder, 'found.json'), `${JSON.stringify(found, undefined, 1)}\n`);
    await writeAtomically(page, renderAskedPage({ title, introduction, chapters }));
    const steps = chapters.map(({ title, texts: [text] }) => ({ title, text }));
    const more = { href: `../${basename(folder)}/index.html`, text: 'All four, with their figures' };
    return { page, steps: steps.map((step, i) => (i === steps.length - 1 ? { ...step, link: more } : step)) };
  } finally {
    for (const model of models) await model.close();
    await runtime.close();
  }
}

async function askEvidence(language: LanguageModel, signal: AbortSignal): Promise<Answered> {
  const { model, sentences, question, against } = evidence;
  const prompt = [...sentences, question].join(' ');
  const document = await why(language, {
    prompt,
    against,
    keep: question,
    maxTokens: 1,
    sets: 32,
    samples: 64,
    signal,
  });
  const command = languageCommand('why', model, [
    ...['--prompt', prompt, '--against', against, '--keep', question],
    ...['--max-tokens', '1', '--sets', '32', '--samples', '64'],
  ]);
  const run = { what: 'language why', name: 'why', document, page: renderWhyPage(document, command), command };
  return { run, told: tellEvidence(document) };
}

async function askSources(language: LanguageModel, signal: AbortSignal): Promise<Answered> {
  const { model, sources: texts, question } = twice;
  const sources = texts.map((text, i) => ({ id: `source ${i + 1}`, text }));
  const result = await sourceUse(localTextModel(language), { sources, question }, { maxTokens: 1, signal });
  const command = `wherefore language sources sources.txt --model examples/language/models/${model} --question "${question}" --answer "${result.answer}"`;
  return { run: sourcesRun(model, { sources, question }, result, command), told: tellSources(result) };
}

async function askAgreement(language: LanguageModel, signal: AbortSignal): Promise<Answered> {
  const { model, prompt, answer, against, forms: alternatives } = agreement;
  const unit = 'word';
  const document = await why(language, {
    ...{ prompt, answer, against, alternatives, unit, sets: 32, samples: 64, signal },
  });
  const command = languageCommand('why', model, [
    ...['--prompt', prompt, '--answer', answer, '--against', against, '--unit', unit],
    ...[...alternatives].flatMap(([word, other]) => ['--alternative', `${word}=${other}`]),
    ...['--sets', '32', '--samples', '64'],
  ]);
  const run = { what: 'language why', name: 'why', document, page: renderWhyPage(document, command), command };
  return { run, told: tellAgreement(document) };
}

async function askWhere(language: LanguageModel, signal: AbortSignal): Promise<Answered> {
  const { model, prompt, answer, against, subject, forms } = agreement;
  const other = forms.get(subject) as string;
  const corrupt = new Map([[subject, other]]);
  const document = await whereInModel(language, { prompt, answer, against, corrupt, signal });
  const command = languageCommand('where', model, [
    ...['--prompt', prompt, '--answer', answer, '--against', against, '--corrupt', `${subject}=${other}`],
  ]);
  const run = { what: 'language where', name: 'where', document, page: renderWherePage(document, command), command };
  return { run, told: tellWhere(document) };
}
