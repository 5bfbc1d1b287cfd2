import { decoderModel } from '../../examples/language/decoder.ts';
import { drawLookup, lookupQuestion, lookupShape, things } from '../../examples/language/lookup.ts';
import { formatTable } from '../../src/cli/table-text.ts';
import { readBytes } from '../../src/data/files/read-file.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { openEmbeddingProgram } from '../../src/language/why/embedding-program.ts';
import { gradientTimesEmbedding } from '../../src/language/why/gradient-methods.ts';
import { guidedLeaveOut, tokensOfEach } from '../../src/language/why/guided.ts';
import { openPrefixScorer } from '../../src/language/why/prefix-scorer.ts';
import { questionOf } from '../../src/language/why/question.ts';
import { refinedLeaveOut } from '../../src/language/why/refined.ts';
import { openUnitGame, type UnitGame } from '../../src/language/why/unit-game.ts';
import { leaveOneOut } from '../../src/language/why/unit-methods.ts';
import { unitsIn, why } from '../../src/language/why/why.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { permutation, type Random, random } from '../../src/tensor/random.ts';
import { readParameters, trainableParameters, withParameters } from '../../src/train/index.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { openReader, readerText } from '../../test/language/reader.ts';
import { highWaterMark, processorSeconds } from '../processes.ts';
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
function mixedText(source: Random, people: number, fillers: number) {
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

/** Leaving out a part of 64 sentences against leaving out each; then a prompt of 8,000 tokens within limits. */
export async function measureLong(count: number, memory: number, parts: readonly string[]): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1, isolation: 'process', memoryLimit: memory * 2 ** 20 });
  const isAsked = (part: string) => parts.length === 0 || parts.includes(part);
  if (isAsked('texts')) await againstEach(count, runtime);
  if (isAsked('prompt')) await longPrompt(runtime, memory);
  await runtime.close();
}

/** A sentence matters that has so large a share of the largest difference. */
const matterShares = [0.5, 0.1];
/** A forward and a backward pass, in readings of the text. */
const gradientReads = 3;

interface Seen {
  readonly precision: number[][];
  readonly hit: number[];
  readonly read: number[];
}

async function againstEach(count: number, runtime: Runtime): Promise<void> {
  const language = await longLookup(1024, runtime);
  const found = new Map<string, Seen>();
  const counted: number[][] = matterShares.map(() => []);
  for (let seed = 1; counted[0].length < count && seed < 20 * count; seed++) {
    const { sentences, gold, keep, answer } = mixedText(random(seed, 3), 28, 36);
    const question = await questionOf(language, { prompt: `${sentences.join(' ')} ${keep}`, answer, keep });
    const scorer = await openPrefixScorer(language, question);
    const game = await openUnitGame(scorer, unitsIn(question, 'sentence'));
    // Only what it answers is explained.
    if (Math.exp(game.full) > 0.5) {
      const exact = await leaveOneOut(game);
      const largest = exact.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
      const matters = matterShares.map(
        (share) => new Set(Array.from(exact.keys()).filter((u) => Math.abs(exact[u]) >= share * largest)),
      );
      for (const [i, set] of matters.entries()) counted[i].push(set.size);
      const program = await openEmbeddingProgram(language, question);
      const proposal = ofUnits(game, await gradientTimesEmbedding(program));
      const spent = gradientReads * question.encoded.ids.length;
      const tries: Readonly<Record<string, () => Promise<{ values: ArrayLike<number>; share: number }>>> = {
        'refined, 15 %': () => refinedLeaveOut(game, { most: 0.15 }),
        'refined, 30 %': () => refinedLeaveOut(game, { most: 0.3 }),
        'guided, 15 %': () => guidedLeaveOut(game, proposal, { most: 0.15, spent }),
        'gradient × embedding alone': async () => ({ values: proposal, share: spent / tokensOfEach(game) }),
      };
      for (const [name, run] of Object.entries(tries)) {
        const { values, share } = await run();
        const seen = found.get(name) ?? { precision: matterShares.map(() => []), hit: [], read: [] };
        found.set(name, seen);
        for (const [i, set] of matters.entries()) seen.precision[i].push(averagePrecision(values, set));
        seen.hit.push(Number(firstOf(values) === gold));
        seen.read.push(share);
      }
    }
    await scorer.close();
  }
  const sizes = counted.map((sizes, i) => `${interval(sizes, 2)} have ${100 * matterShares[i]} % of the largest`);
  console.log(`${counted[0].length} answered texts of 64 sentences, of which ${sizes.join(', ')}`);
  const shares = matterShares.map((share) => `mean average precision, from ${100 * share} %`);
  console.log(
    formatTable([
      ['', 'read, of leaving out each', ...shares, 'the sentence of the answer first'],
      ...[...found].map(([name, { read, precision, hit }]) => [
        name,
        interval(read),
        ...precision.map((values) => interval(values)),
        interval(hit),
      ]),
    ]),
  );
  await language.close();
}

const firstOf = (values: ArrayLike<number>): number =>
  Array.from(values, (_, u) => u).reduce((best, u) => (values[u] > values[best] ? u : best), 0);

const ofUnits = ({ units }: UnitGame, values: ArrayLike<number>): number[] =>
  units.map(({ tokens }) => tokens.reduce((sum, token) => sum + values[token], 0));

/** A prompt of a thousand sentences to a model whose weights are set so that three of them decide. */
async function longPrompt(runtime: Runtime, memory: number): Promise<void> {
  const language = await openReader(8192, runtime);
  const { prompt, answer, keep, facts } = readerText(random(5, 3), 1000);
  const began = processorSeconds();
  const document = await why(language, { prompt, answer, keep, memory: memory * 2 ** 20, budget: 400_000 });
  const { cost, units, unit, attributions, notes } = document;
  console.log(
    `${document.prompt.split(/\s+/).length + 1} tokens, ${units[unit].length} units (${unit}), p = ${Math.exp(document.answer.logProbability).toFixed(3)}; ${cost.tokensRead} tokens read, ${cost.backward} gradients, ${(processorSeconds() - began).toFixed(0)} s of a processor, peak ${(highWaterMark() / 1024).toFixed(0)} MiB of both processes`,
  );
  for (const note of notes) console.log(`  ${note}`);
  for (const { method, values, unit: own, notes: said } of attributions) {
    const perUnit =
      own === unit ? values : units[unit].map(({ tokens }) => tokens.reduce((sum, t) => sum + values[t], 0));
    const top = Array.from(perUnit.keys())
      .sort((a, b) => Math.abs(perUnit[b]) - Math.abs(perUnit[a]))
      .slice(0, 4);
    console.log(
      `  ${method}: ${top.map((u) => `${perUnit[u].toFixed(3)} ${units[unit][u].text.trim()}`).join(' | ')}; ${said.join('; ')}`,
    );
  }
  console.log(`  what decides: ${facts.join(' | ')}`);
  await language.close();
}
