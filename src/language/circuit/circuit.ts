import { WhereforeError } from '../../errors.ts';
import { permutation, random } from '../../tensor/random.ts';
import { checkCausal } from '../cache/causal.ts';
import { refuseEncoderDecoder } from '../model/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { promptIds } from '../model/prompt.ts';
import { exchangedWords } from '../text/exchanged-words.ts';
import { logitWeights } from '../where/logit-weights.ts';
import { questionOf, refuseMasks } from '../why/question.ts';
import { ComponentProgram } from './component-program.ts';
import { type Corruption, corruptedStarts } from './corruption.ts';
import { edgeAttribution, type Faithfulness, faithfulness, type TwoRuns } from './edge-attribution.ts';
import {
  type HeadEffect,
  type HeadSet,
  headEffects,
  headsTogether,
  type NeuronEffect,
  neuronEffects,
} from './unit-effects.ts';

/** What takes the place of the prompt in the run that it is compared with. */
export type CorruptionRequest =
  | { readonly kind: 'mean' }
  /** The last token is another one. */
  | { readonly kind: 'last-token'; readonly text: string }
  /** Words of the prompt, and others in their place. */
  | { readonly kind: 'words'; readonly words: ReadonlyMap<string, string> };

export interface CircuitOptions {
  readonly prompt: string;
  /** Its first token is looked at; default: the one that the model says. */
  readonly answer?: string;
  /** The first token of another answer: what is looked at is then the difference of the two logits. */
  readonly against?: string;
  readonly corruption: CorruptionRequest;
  /** Points between the two runs at which slopes are taken. Default 16. */
  readonly steps?: number;
  /** Neurons that are tried one by one. Default 10. */
  readonly neurons?: number;
  /** Heads, such as `layer.0/head.2`, that are ablated together, and all others together. */
  readonly together?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string) => void;
}

/** An edge of the circuit. */
export interface CircuitEdge {
  /** `layer.0/head.2 → layer.1/head.1.key` */
  readonly name: string;
  /** By EAP-IG, and by EAP, in logits: positive where the edge carries what makes F. */
  readonly integrated: number;
  readonly plain: number;
}

/** How faithful the first edges of each order are alone. */
export interface FaithfulnessCurves {
  readonly integrated: readonly Faithfulness[];
  readonly plain: readonly Faithfulness[];
  readonly random: readonly Faithfulness[];
}

/** Heads, neurons and edges of a model that make an answer: everything that a page shows. */
export interface CircuitDocument {
  readonly format: 'wherefore/language-circuit';
  readonly version: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly prompt: string;
  readonly tokens: readonly string[];
  readonly answer: string;
  readonly against?: string;
  /** In words. */
  readonly corruption: string;
  /** F of the clean and the corrupted run. */
  readonly clean: number;
  readonly corrupted: number;
  readonly heads: readonly HeadEffect[];
  readonly neurons: readonly NeuronEffect[];
  /** What F loses without some heads together, and without all others together. */
  readonly together?: HeadSet;
  readonly edgeCount: number;
  /** The largest, at most {@link mostEdges}. */
  readonly edges: readonly CircuitEdge[];
  readonly faithfulness: FaithfulnessCurves;
  /** Edges of the smallest tried circuit with a faithfulness of .8 to 1.2, by EAP-IG; undefined where none has. */
  readonly enough?: number;
  readonly steps: number;
  readonly notes: readonly string[];
}

/** Edges that a document lists. */
const mostEdges = 60;

/**
 * Which heads, neurons and edges between blocks make an answer: heads and the strongest neurons ablated and exchanged
 * one by one, both ways; every edge scored by attribution patching with integrated gradients; and how faithful circuits
 * of growing size are alone, beside those of plain edge attribution patching and of a random order.
 * @throws WhereforeError `invalid-argument` where the corruption changes nothing of what is looked at, or texts differ in
 *   length; `unsupported-model` where heads are not values of their own
 * @example
 * const document = await circuitOf(language, { prompt: 'Tom had a red', corruption: { kind: 'mean' } });
 */
export async function circuitOf(language: LanguageModel, options: CircuitOptions): Promise<CircuitDocument> {
  refuseEncoderDecoder(language);
  const { prompt, answer, against, corruption, steps = 16, neurons = 10, signal } = options;
  const { onProgress = () => undefined } = options;
  checkCounts(steps, neurons);
  const question = await questionOf(language, { prompt, answer, against, maxTokens: 1, signal });
  refuseMasks(question, language);
  await checkCausal(language);
  const { ids, texts, special, tokens } = question.encoded;
  const weights = logitWeights(question);
  const program = await ComponentProgram.open(language, { length: ids.length, weights: [weights], signal });
  const runs = await twoRuns(program, [ids], corruptionOf(language, prompt, corruption));
  const [[clean], [corrupted]] = [await program.measuredRun(runs.own), await program.measuredRun(runs.other)];
  if (Math.abs(clean - corrupted) < 1e-4) {
    throw new WhereforeError('invalid-argument', 'the corruption changes nothing of what is looked at', {
      got: `${clean.toPrecision(4)} and ${corrupted.toPrecision(4)}`,
      fix: 'corrupt what the answer depends on',
    });
  }
  onProgress('heads and neurons, one by one');
  const looked = { ids, weights };
  const heads = await headEffects(program, runs, looked);
  const strongest = await neuronEffects(program, runs, looked, { count: neurons, steps });
  onProgress('edges');
  const integrated = await edgeAttribution(program, runs, steps);
  const plain = await edgeAttribution(program, runs, 0);
  onProgress('circuits of growing size');
  const order = { integrated: orderOf(integrated.sizes), plain: orderOf(plain.sizes) };
  const sizes = circuitSizes(program.edges.edges.length);
  const curves = {
    integrated: await faithfulness(program, runs, order.integrated, sizes),
    plain: await faithfulness(program, runs, order.plain, sizes),
    random: await faithfulness(program, runs, [...permutation(order.plain.length, random(1))], sizes),
  };
  return {
    format: 'wherefore/language-circuit',
    version: 1,
    model: { name: language.name, hash: language.model.hash },
    prompt,
    tokens: texts.map((text, i) => (special[i] ? tokens[i] : text)),
    answer: question.answer.texts[0],
    against: question.against?.texts[0],
    corruption: wordsOf(corruption),
    clean,
    corrupted,
    heads,
    neurons: strongest,
    together: options.together && (await headsTogether(program, runs, looked, options.together)),
    edgeCount: order.integrated.length,
    edges: order.integrated.slice(0, mostEdges).map((e) => ({
      name: program.edges.edges[e].name,
      integrated: integrated.effects[e],
      plain: plain.effects[e],
    })),
    faithfulness: curves,
    enough: curves.integrated.find(({ share }) => share >= 0.8 && share <= 1.2)?.edges,
    steps,
    notes: [...language.notes, ...(corruption.kind === 'last-token' ? [sharedNote] : [])],
  };
}

const sharedNote =
  'the corruption leaves all tokens but the last, so edges that carry the same in both runs cannot be seen';

function checkCounts(steps: number, neurons: number): void {
  const wrong = [
    ['steps', steps, 1],
    ['neurons', neurons, 0],
  ] as const;
  for (const [name, value, least] of wrong) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new WhereforeError('invalid-argument', name, {
      got: String(value),
      expected: `a whole number from ${least}`,
    });
  }
}

/** Both runs of some texts, piece by piece. */
export async function twoRuns(
  program: ComponentProgram,
  texts: readonly (readonly number[])[],
  corruption: Corruption,
): Promise<TwoRuns> {
  const clean = await program.startsOf(texts);
  const corrupted = await corruptedStarts(program, texts, corruption);
  return { clean, corrupted, own: await program.written(clean), other: await program.written(corrupted) };
}

function corruptionOf(language: LanguageModel, prompt: string, request: CorruptionRequest): Corruption {
  if (request.kind === 'mean') return request;
  if (request.kind === 'words') {
    return { kind: 'tokens', texts: [promptIds(language, exchangedWords(prompt, request.words))] };
  }
  const { ids } = language.tokenizer.encode(request.text, { special: false });
  if (ids.length > 0) return { kind: 'last-token', tokens: ids.slice(-1) };
  throw new WhereforeError('invalid-argument', 'no token takes the place of the last one', { fix: 'give a word' });
}

function wordsOf(request: CorruptionRequest): string {
  if (request.kind === 'mean') return 'every vector of a token is the mean over the prompt';
  if (request.kind === 'last-token') return `the last token is "${request.text}"`;
  return [...request.words].map(([word, other]) => `"${word}" → "${other}"`).join(', ');
}

/** Edges from the largest score to the smallest. */
export const orderOf = (scores: Float64Array): number[] =>
  Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]);

/** 1, 2, 5, 10, 20 … and all. */
function circuitSizes(edges: number): number[] {
  const sizes: number[] = [];
  for (let ten = 1; ten < edges; ten *= 10)
    for (const step of [1, 2, 5]) if (step * ten < edges) sizes.push(step * ten);
  return [...sizes, edges];
}
