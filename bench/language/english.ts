import { decoderModel } from '../../examples/language/decoder.ts';
import { englishShape } from '../../examples/language/english.ts';
import { grammarWords, storyText } from '../../examples/language/grammar.ts';
import { specialWords } from '../../examples/language/tokenizer.ts';
import { formatTable } from '../../src/cli/table-text.ts';
import { generate } from '../../src/language/generate/generate.ts';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import {
  type AgreementKind,
  agreementEvidence,
  agreementItems,
  preference,
  promptOf,
  turned,
} from '../../test/language/agreement-evidence.ts';
import { agreementOf, perplexities } from '../../test/language/english-quality.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { interval } from './interval.ts';

const say = (text: string) => console.log(text);
const path = 'examples/language/models/english';

/** How well the model writes the grammar's English: perplexity, agreement, samples. */
export async function measureEnglish(count: number): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const language = await openLanguageModel(path, { runtime });
  say(`${grammarWords.length - specialWords.length} words`);
  const { model, grammar, ratio } = await perplexities(language, 400, 999);
  say(`perplexity ${model.toFixed(3)}, the grammar's own ${grammar.toFixed(3)}: ratio ${ratio.toFixed(4)}`);
  for (const [kind, right] of await agreementOf(language, count, 77))
    say(`${kind}: ${interval(right)} of ${right.length}`);
  for (let seed = 1; seed <= 20; seed++) {
    const { text } = await generate(language, '', { maxTokens: 60, temperature: 1, seed, stops: ['<s>'] });
    say(`${seed}. ${storyText(text.split(' '))}`);
  }
  await language.close();
  await runtime.close();
}

const kinds: readonly AgreementKind[] = ['one attractor', 'two attractors', 'relative clause'];

/** Which word decided that a verb is singular or plural, by every method. */
export async function measureAgreement(count: number): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const trained = await openLanguageModel(path, { runtime });
  const random = await openDecoderModel(englishShape, decoderModel(englishShape, 7), runtime);
  await printAgreement('trained', trained, count);
  await printAgreement('random weights', random, Math.ceil(count / 2));
  await trained.close();
  await random.close();
  await runtime.close();
}

async function printAgreement(title: string, language: LanguageModel, count: number): Promise<void> {
  const items = agreementItems(count, kinds, 78);
  const columns: Awaited<ReturnType<typeof agreementEvidence>>[] = [];
  for (const kind of kinds) columns.push(await agreementEvidence(language, items.get(kind) ?? []));
  const rows = Object.keys(columns[0]).map((name) => {
    const all = columns.flatMap((column) => column[name].hits);
    const errors = columns.flatMap((column) => column[name].errors).sort((a, b) => a - b);
    const error = errors.length === 0 ? '' : errors[Math.floor(errors.length / 2)].toExponential(1);
    return [name, ...columns.map((column) => interval(column[name].hits)), interval(all), error];
  });
  say(`${title}: the subject is the word with the largest share, ${count} sentences of each kind`);
  say(formatTable([['method', ...kinds, 'all', 'error of the sum'], ...rows]));
  const flips: number[] = [];
  for (const item of [...items.values()].flat()) {
    const other = turned(item);
    if (other === undefined) continue;
    const verb = item.words[item.verb];
    const [as, turnedTo] = [await preference(language, promptOf(item), verb), await preference(language, other, verb)];
    flips.push(Number(as > 0 && turnedTo < 0));
  }
  say(`the verb's number turns with the subject's: ${interval(flips)} of ${flips.length}`);
}
