import { WhereforeError } from '../../errors.ts';
import type { WhyMethodName } from './why-document.ts';

/** How closely methods are judged: points of a curve, random orders beside it, random selections for LDS. */
export interface Judging {
  readonly points: number;
  readonly orders: number;
  readonly sets: number;
}

/** What the tokens that may be read go to. */
export interface TokenBudget {
  readonly judging: Judging;
  /** Tokens for each method that leaves out what it finds worth it, guided or refined; undefined: its own limit alone. */
  readonly refined?: number;
}

export interface BudgetQuestion {
  readonly methods: readonly WhyMethodName[];
  /** Tokens of prompt and answer, those of the other answer among them. */
  readonly tokens: number;
  readonly units: number;
  readonly sets: number;
  readonly samples: number;
}

/** From the finest on; a budget takes the first that it allows for. */
const coarser: readonly (Omit<Judging, 'sets'> & { readonly share: number })[] = [
  { points: 20, orders: 8, share: 1 },
  { points: 10, orders: 4, share: 1 },
  { points: 6, orders: 3, share: 0.5 },
  { points: 4, orders: 2, share: 0.25 },
  { points: 2, orders: 2, share: 0.25 },
];

/** Prompts that each method asks for at most; what looks at gradients asks for none. */
const promptsOf: Readonly<Partial<Record<WhyMethodName, (question: BudgetQuestion) => number>>> = {
  'leave-one-out': ({ units }) => units,
  surrogate: ({ sets }) => sets,
  shapley: ({ samples }) => samples,
};

/** The whole prompt, none of it, and both answers for their own sake. */
const always = 6;
/** Halves, and halves of these. */
const leastRefined = 8;

/**
 * Divides tokens that may be read among methods and their judging, counting each prompt as read from its beginning.
 * @param budget tokens; undefined: no limit
 * @throws WhereforeError `limit-reached` where they do not suffice for what is asked
 */
export function dividedBudget(budget: number | undefined, question: BudgetQuestion): TokenBudget {
  const { methods, tokens, sets } = question;
  const judgingAt = ({ points, orders, share }: (typeof coarser)[number]) => ({
    judging: { points, orders, sets: Math.max(8, Math.ceil((share * sets) / 2)) },
  });
  const finest = judgingAt(coarser[0]);
  if (budget === undefined) return finest;
  const asked = methods.reduce((sum, name) => sum + (promptsOf[name]?.(question) ?? 0), always);
  const adaptive = methods.filter((name) => name === 'refined' || name === 'guided').length;
  const hasRefined = adaptive > 0;
  const left = Math.floor(budget / tokens) - asked;
  const promptsFor = ({ points, orders, sets }: Judging) => (methods.length + 2 + orders) * points + sets;
  const forJudging = hasRefined ? left / 2 : left;
  const found = coarser.map(judgingAt).find(({ judging }) => promptsFor(judging) <= forJudging);
  if (found && (!hasRefined || left - promptsFor(found.judging) >= adaptive * leastRefined))
    return hasRefined
      ? { ...found, refined: Math.floor(((left - promptsFor(found.judging)) * tokens) / adaptive) }
      : found;
  const least = promptsFor(judgingAt(coarser[coarser.length - 1]).judging);
  const needed = asked + (hasRefined ? Math.max(2 * least, least + adaptive * leastRefined) : least);
  throw new WhereforeError('limit-reached', 'so few tokens do not suffice for these methods', {
    where: methods.join(', '),
    got: `${budget} tokens`,
    expected: `at least ${needed * tokens}: ${needed} prompts of ${tokens} tokens`,
    fix: 'allow more (--budget), or name fewer methods: --method refined',
  });
}
