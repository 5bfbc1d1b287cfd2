import { WhereforeError } from '../../errors.ts';
import { choose, random } from '../../tensor/random.ts';
import type { ImageIndex } from '../image/image-index.ts';
import { ranked } from '../image/ranked.ts';
import { wordScores } from '../image/rankings.ts';
import type { Signals } from '../image/signals.ts';

/** A prompt: what its items resemble, averaged over them. */
export interface PromptScores {
  readonly group: string;
  /** Larger is more alike, by image of the index. */
  readonly whole: Float64Array;
  readonly region: Float64Array;
  readonly pixels: Float64Array;
  readonly encoders: readonly Float64Array[];
  /** Undefined where the items have no prompt, or the index no captions. */
  readonly words: Float64Array | undefined;
  /** Images that are removed for it. */
  readonly remove: number;
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
    what: 'what the rankings find: whole image, regions, encoders and words joined by rank',
    choose: (context) => context.prompts.map((prompt) => tracedOf(prompt, context)),
  },
  filter: {
    what: 'as many by chance among those with the captions nearest to the prompt, traced ones aside',
    choose: (context) =>
      context.prompts.map((prompt, p) => {
        const taken = new Set(tracedOf(prompt, context));
        const most = filterFactor * prompt.remove;
        const near = ranked(needed(prompt.words, 'filter'), most + taken.size);
        const others = near.filter((image) => !taken.has(image)).slice(0, most);
        return drawnFrom(others, context, p);
      }),
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
  embedding: {
    what: 'the nearest by the first encoder',
    choose: nearestBy(({ encoders }) => needed(encoders[0], 'embedding')),
  },
  words: {
    what: 'those with the captions nearest to the prompt',
    choose: nearestBy(({ words }) => needed(words, 'words')),
  },
} as const satisfies Readonly<Record<string, Arm>>;

export type ArmName = keyof typeof arms;

function nearestBy(scores: (prompt: PromptScores) => Float64Array) {
  return ({ prompts }: ArmContext): Chosen => prompts.map((prompt) => ranked(scores(prompt), prompt.remove));
}

function tracedOf({ whole, region, encoders, words, remove }: PromptScores, { images }: ArmContext): readonly number[] {
  const joined = new Float64Array(images);
  for (const scores of [whole, region, ...encoders, ...(words ? [words] : [])]) {
    for (const [rank, image] of ranked(scores, 5 * remove).entries())
      if (scores !== region || scores[image] > 0) joined[image] += 1 / (fusion + rank + 1);
  }
  return ranked(joined, remove);
}

function drawnFrom(images: readonly number[], { prompts, seed }: ArmContext, prompt: number): readonly number[] {
  const count = Math.min(prompts[prompt].remove, images.length);
  return Array.from(choose(images.length, count, random(seed, 100 + prompt)), (at) => images[at]);
}

function needed(scores: Float64Array | undefined, arm: string): Float64Array {
  if (scores) return scores;
  throw new WhereforeError('invalid-argument', `arm "${arm}" cannot choose`, {
    got: arm === 'embedding' ? 'an index without encoders' : 'items without prompts, or an index without captions',
    fix: `leave out the arm ${arm}, or ${arm === 'embedding' ? 'index with --encoder MODEL.onnx' : 'give prompts, and index with --metadata FILE'}`,
  });
}

/** What is known of a prompt beside its items. */
export interface PromptFacts {
  readonly captions: readonly string[] | undefined;
  readonly prompt: string | undefined;
  readonly remove: number;
}

/** Mean signals of the items of a prompt. */
export function promptScores(
  group: string,
  items: readonly { readonly signals: Signals; readonly whole: Float64Array; readonly region: Float64Array }[],
  { captions, prompt, remove }: PromptFacts,
): PromptScores {
  const mean = (of: (item: (typeof items)[number]) => Float64Array) => {
    const sum = new Float64Array(of(items[0]).length);
    for (const item of items) for (const [image, value] of of(item).entries()) sum[image] += value / items.length;
    return sum;
  };
  return {
    group,
    remove,
    whole: mean(({ whole }) => whole),
    region: mean(({ region }) => region),
    pixels: mean(({ signals }) => signals.pixels),
    encoders: items[0].signals.encoders.map((_, e) => mean(({ signals }) => signals.encoders[e])),
    words: captions && prompt !== undefined ? wordScores(captions, prompt) : undefined,
  };
}

/** Ids of the images that an arm removes, each once. */
export function removedBy(arm: ArmName, context: ArmContext, { items }: Pick<ImageIndex, 'items'>): string[] {
  const images = new Set(arms[arm].choose(context).flat());
  return [...images].sort((a, b) => a - b).map((image) => items[image].id);
}
