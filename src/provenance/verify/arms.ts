import { WhereforeError } from '../../errors.ts';
import { choose, random } from '../../tensor/random.ts';
import type { ImageIndex } from '../image/image-index.ts';
import { ranked } from '../image/ranked.ts';
import { wordScores } from '../image/rankings.ts';
import type { ItemSignals } from './traced-items.ts';
import type { AskedQuestion } from './verification.ts';

/** A prompt: what its items resemble, averaged over them. */
export interface PromptScores {
  readonly group: string;
  /** Larger is more alike, by image of the index. */
  readonly whole: Float64Array;
  readonly region: Float64Array;
  readonly block: Float64Array;
  readonly pixels: Float64Array;
  readonly encoders: readonly Float64Array[];
  /** Undefined where the items have no prompt, or the index no captions. */
  readonly words: Float64Array | undefined;
  /** By the paper's fixed weights; undefined where `words` is. */
  readonly fixed: Float64Array | undefined;
  /** How much each image counts by gradients of the generator; undefined where nothing says so. */
  readonly gradient: Float64Array | undefined;
  /** Images that are removed for it. */
  readonly remove: number;
  /** The question whose ranking tells what is traced; undefined: all rankings joined by rank. */
  readonly question: AskedQuestion | undefined;
}

/** What the arms choose from. */
export interface ArmContext {
  readonly prompts: readonly PromptScores[];
  readonly images: number;
  readonly seed: number;
}

/** Images to remove for each prompt. */
type Chosen = readonly (readonly number[])[];

interface Arm {
  /** What is removed, for a reader. */
  readonly what: string;
  choose(context: ArmContext): Chosen;
}

/** Constant of reciprocal rank fusion. Source: Cormack, Clarke, Büttcher 2009 (SIGIR). */
const fusion = 60;

/** How many times as many images the text filter keeps as are removed. */
const filterFactor = 3;

/** Every arm that removes something; `full` removes nothing, `swap` replaces what `traced` removes. */
export const arms = {
  traced: {
    what: 'what the rankings find: that of the question asked, or all joined by rank',
    choose: (context) => context.prompts.map((prompt) => tracedOf(prompt, context)),
  },
  filter: {
    what: 'as many by chance among those with the captions nearest to the prompt, traced ones aside',
    choose: (context) => {
      // For whichever prompt they were traced: a family may be asked about by several, and controls share nothing with it.
      const taken = new Set(context.prompts.flatMap((prompt) => tracedOf(prompt, context)));
      return context.prompts.map((prompt, p) => {
        const most = filterFactor * prompt.remove;
        const near = ranked(needed(prompt.words, 'filter'), most + taken.size);
        const others = near.filter((image) => !taken.has(image)).slice(0, most);
        return drawnFrom(others, context, p);
      });
    },
  },
  global: {
    what: 'as many by chance among all, traced ones aside',
    choose: (context) => {
      const all = new Set(context.prompts.flatMap((prompt) => tracedOf(prompt, context)));
      const others = Array.from({ length: context.images }, (_, image) => image).filter((image) => !all.has(image));
      return context.prompts.map((_, p) => drawnFrom(others, context, p));
    },
  },
  whole: { what: 'the nearest as a whole', choose: nearestBy(({ whole }) => whole) },
  raw: { what: 'the nearest by 8 × 8 pixels', choose: nearestBy(({ pixels }) => pixels) },
  regions: { what: 'those with the largest common part', choose: nearestBy(({ region }) => region) },
  blocks: { what: 'those with the rarest common small part', choose: nearestBy(({ block }) => block) },
  embedding: {
    what: 'the nearest by the first encoder',
    choose: nearestBy(({ encoders }) => needed(encoders[0], 'embedding')),
  },
  words: {
    what: 'those with the captions nearest to the prompt',
    choose: nearestBy(({ words }) => needed(words, 'words')),
  },
  paper: {
    what: 'the nearest by the fixed weights of arXiv 2504.01771, among the 100 with the captions nearest to the prompt',
    choose: nearestBy(({ fixed }) => needed(fixed, 'paper')),
  },
  gradient: {
    what: 'those that count most by gradients of the generator',
    choose: nearestBy(({ gradient }) => needed(gradient, 'gradient')),
  },
} as const satisfies Readonly<Record<string, Arm>>;

export type ArmName = keyof typeof arms;

function nearestBy(scores: (prompt: PromptScores) => Float64Array) {
  return ({ prompts }: ArmContext): Chosen => prompts.map((prompt) => ranked(scores(prompt), prompt.remove));
}

function tracedOf(prompt: PromptScores, { images }: ArmContext): readonly number[] {
  const { whole, region, block, encoders, words, remove, question } = prompt;
  if (question) return ranked(needed(prompt[question], question), remove);
  const joined = new Float64Array(images);
  const parts: readonly Float64Array[] = [region, block];
  for (const scores of [whole, ...parts, ...encoders, ...(words ? [words] : [])]) {
    for (const [rank, image] of ranked(scores, 5 * remove).entries())
      if (!parts.includes(scores) || scores[image] > 0) joined[image] += 1 / (fusion + rank + 1);
  }
  return ranked(joined, remove);
}

function drawnFrom(images: readonly number[], { prompts, seed }: ArmContext, prompt: number): readonly number[] {
  const count = Math.min(prompts[prompt].remove, images.length);
  return Array.from(choose(images.length, count, random(seed, 100 + prompt)), (at) => images[at]);
}

function needed(scores: Float64Array | undefined, arm: string): Float64Array {
  if (scores) return scores;
  const { got, fix } = lacks[arm] ?? lacksWords;
  throw new WhereforeError('invalid-argument', `arm "${arm}" cannot choose`, {
    got,
    fix: `leave out the arm ${arm}, or ${fix}`,
  });
}

/** Why an arm has nothing to choose by. */
const lacksWords = {
  got: 'items without prompts, or an index without captions',
  fix: 'give prompts, and index with --metadata FILE',
};
const lacks: Readonly<Record<string, typeof lacksWords>> = {
  embedding: { got: 'an index without encoders', fix: 'index with --encoder MODEL.onnx' },
  gradient: { got: 'no command that computes it', fix: 'give one with --gradient' },
};

/** What is known of a prompt beside its items. */
export interface PromptFacts {
  readonly captions: readonly string[] | undefined;
  readonly prompt: string | undefined;
  readonly remove: number;
  readonly question?: AskedQuestion;
  /** How much each image counts for each of its items. */
  readonly gradients?: readonly Float64Array[];
}

/** An item of a prompt: its signals and its scores by question. */
type ScoredItem = Pick<ItemSignals, 'signals' | 'whole' | 'region' | 'block' | 'fixed'>;

/** Mean signals of the items of a prompt. */
export function promptScores(
  group: string,
  items: readonly ScoredItem[],
  { captions, prompt, remove, question, gradients }: PromptFacts,
): PromptScores {
  const mean = (of: (item: ScoredItem) => Float64Array) => meanOf(items.map(of));
  return {
    group,
    remove,
    question,
    whole: mean(({ whole }) => whole),
    region: mean(({ region }) => region),
    block: mean(({ block }) => block),
    pixels: mean(({ signals }) => signals.pixels),
    encoders: items[0].signals.encoders.map((_, e) => mean(({ signals }) => signals.encoders[e])),
    words: captions && prompt !== undefined ? wordScores(captions, prompt) : undefined,
    fixed: items.every(({ fixed }) => fixed) ? mean(({ fixed }) => fixed as Float64Array) : undefined,
    gradient: gradients && meanOf(gradients),
  };
}

function meanOf(all: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(all[0].length);
  for (const values of all) for (const [image, value] of values.entries()) sum[image] += value / all.length;
  return sum;
}

/** Ids of the images that an arm removes, each once. */
export function removedBy(arm: ArmName, context: ArmContext, { items }: Pick<ImageIndex, 'items'>): string[] {
  const images = new Set(arms[arm].choose(context).flat());
  return [...images].sort((a, b) => a - b).map((image) => items[image].id);
}
