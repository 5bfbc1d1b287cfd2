import { decoderModel } from '../../examples/language/decoder.ts';
import { drawLookup, lookupQuestion, lookupShape, things } from '../../examples/language/lookup.ts';
import { formatTable } from '../../src/cli/table-text.ts';
import { readBytes } from '../../src/data/files/read-file.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { openPrefixScorer } from '../../src/language/why/prefix-scorer.ts';
import { questionOf } from '../../src/language/why/question.ts';
import { refinedLeaveOut } from '../../src/language/why/refined.ts';
import { openUnitGame } from '../../src/language/why/unit-game.ts';
import { leaveOneOut } from '../../src/language/why/unit-methods.ts';
import { unitsIn, why } from '../../src/language/why/why.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { permutation, type Random, random } from '../../src/tensor/random.ts';
import { readParameters, trainableParameters, withParameters } from '../../src/train/index.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { interval } from './interval.ts';

const path = 'examples/language/models/lookup/model.onnx';

/** The trained lookup with angles for longer texts than it was trained on. */
async function longLookup(longest: number, runtime: Runtime): Promise<LanguageModel> {
  const trained = decodeModel(await readBytes(path, 'model'), { fileName: path });
  const shape = { ...lookupShape, longest };
  const weights = readParameters(trained, trainableParameters(trained));
  return openDecoderModel(shape, withParameters(decoderModel(shape, 7), weights), runtime);
}

/** `The red lamp near the box .`: about no one. */
const filler = (source: Random): string => {
  const thing = () => things[source.integer(things.length)];
  return `The ${['red', 'blue'][source.integer(2)]} ${thing()} near the ${thing()} .`;
};

/** Sentences about somebody among so many about no one, and a question about one of them. */
export function mixedText(source: Random, people: number, fillers: number) {
  const lookup = drawLookup(source, people, 'decoy');
  const all = [...lookup.sentences, ...Array.from({ length: fillers }, () => filler(source))];
  const order = permutation(all.length, source);
  const gold = source.integer(people);
  return {
    sentences: Array.from(order, (i) => all[i]),
    gold: Array.from(order).indexOf(gold),
    keep: lookupQuestion(lookup.asked[gold]),
    answer: ` ${lookup.facts[gold].thing}`,
  };
}

/** Precision at each unit that matters, averaged. */
function averagePrecision(values: ArrayLike<number>, matters: ReadonlySet<number>): number {
  const order = Array.from(values, (_, u) => u).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
  let [found, sum] = [0, 0];
  for (const [place, unit] of order.entries()) if (matters.has(unit)) sum += ++found / (place + 1);
  return sum / matters.size;
}

/** Leaving out, refined, against leaving out each of 64 sentences; then a prompt of 8,000 tokens within limits. */
export async function measureLong(count: number, memory: number): Promise<void> {
  const runtime = createNodeRuntime({ threads: 2, isolation: 'process', memoryLimit: memory * 2 ** 20 });
  await refinedAgainstEach(count, runtime);
  await longPrompt(runtime, memory);
  await runtime.close();
}

async function refinedAgainstEach(count: number, runtime: Runtime): Promise<void> {
  const language = await longLookup(1024, runtime);
  const shares = [0.1, 0.15, 0.2, 0.3];
  const found = new Map(
    shares.map((share) => [share, { precision: [] as number[], hit: [] as number[], read: [] as number[] }]),
  );
  const counted: number[] = [];
  for (let seed = 1; counted.length < count && seed < 20 * count; seed++) {
    const { sentences, gold, keep, answer } = mixedText(random(seed, 3), 28, 36);
    const question = await questionOf(language, { prompt: `${sentences.join(' ')} ${keep}`, answer, keep });
    const scorer = await openPrefixScorer(language, question);
    const game = await openUnitGame(scorer, unitsIn(question, 'sentence'));
    // Only what it answers is explained.
    if (Math.exp(game.full) > 0.5) {
      const exact = await leaveOneOut(game);
      const largest = exact.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
      const matters = new Set(Array.from(exact.keys()).filter((u) => Math.abs(exact[u]) >= largest / 2));
      counted.push(matters.size);
      for (const [most, { precision, hit, read }] of found) {
        const { values, share } = await refinedLeaveOut(game, { most });
        precision.push(averagePrecision(values, matters));
        hit.push(Number(values.indexOf(values.reduce((a, b) => Math.max(a, b))) === gold));
        read.push(share);
      }
    }
    await scorer.close();
  }
  console.log(
    `${counted.length} answered texts of 64 sentences; ${interval(counted, 2)} sentences matter half as much as the first`,
  );
  const rows = [...found].map(([most, { precision, hit, read }]) => [
    `${100 * most} %`,
    interval(read),
    interval(precision),
    interval(hit),
  ]);
  console.log(
    formatTable([
      ['tokens allowed', 'read, of leaving out each', 'mean average precision', 'the sentence of the answer first'],
      ...rows,
    ]),
  );
  await language.close();
}

async function longPrompt(runtime: Runtime, memory: number): Promise<void> {
  const language = await longLookup(8192, runtime);
  const { sentences, gold, keep, answer } = mixedText(random(5, 3), 24, 956);
  const paragraphs: string[] = [];
  for (let at = 0; at < sentences.length; at += 20) paragraphs.push(sentences.slice(at, at + 20).join(' '));
  const prompt = `${paragraphs.join('\n\n')} ${keep}`;
  for (const [unit, methods] of [
    ['sentence', ['gradient', 'refined']],
    ['word', ['refined']],
  ] as const) {
    const began = process.cpuUsage();
    const wall = performance.now();
    const document = await why(language, {
      prompt,
      answer,
      keep,
      unit,
      methods,
      memory: memory * 2 ** 20,
      budget: 500_000,
    });
    const { user, system } = process.cpuUsage(began);
    const { cost, units, attributions, notes } = document;
    console.log(
      `${prompt.split(/\s+/).length} words, ${units[unit].length} units (${unit}); ${cost.tokensRead} tokens read, ${cost.backward} gradients, ${((performance.now() - wall) / 1000).toFixed(0)} s, ${((user + system) / 1e6).toFixed(0)} s of this process`,
    );
    for (const note of notes) console.log(`  ${note}`);
    for (const { method, values, unit: own, notes: said } of attributions) {
      const top = Array.from(values.keys())
        .sort((a, b) => values[b] - values[a])
        .slice(0, 4);
      console.log(
        `  ${method}: ${top.map((u) => `${values[u].toFixed(2)} ${units[own][u].text.trim()}`).join(' | ')}; ${said.join('; ')}`,
      );
    }
    console.log(`  the answer is from: ${sentences[gold]}`);
  }
  await language.close();
}
