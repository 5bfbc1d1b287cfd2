import { WhereforeError } from '../../errors.ts';
import type { Interval } from '../../evaluation/statistics.ts';
import { meanOf, spearman } from '../../tensor/correlation.ts';
import { choose, random } from '../../tensor/random.ts';
import { overItems } from '../judge/agreement.ts';
import type { TextModel } from '../text-model.ts';
import type { AuditMeasure, AuditProgress, AuditResult } from './audit-document.ts';
import { areaUnderRoc, differenceOfMeans, meanWithInterval } from './estimates.ts';
import { needScores } from './need-scores.ts';

/** A secret that stood in the training data so many times, or never. */
export interface Canary {
  readonly prefix: string;
  /** What comes right behind the prefix. */
  readonly secret: string;
  readonly copies: number;
}

export interface MemoryOptions {
  /** Other secrets that could stand there as well; the more, the further exposure reaches. */
  readonly alternatives: readonly string[];
  /** Alternatives that each canary is compared with, drawn from them. Default all. */
  readonly drawn?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: AuditProgress;
}

/** One canary with what the model knows of it. */
export interface ExposedCanary extends Canary {
  /** Its place among the alternatives by log p(secret | prefix), from 1. */
  readonly rank: number;
  /** `log2(alternatives + 1) − log2 rank`, in bits. */
  readonly exposure: number;
  readonly logProbability: number;
  /** Mean of the lowest fifth of the secret's log-probabilities by token (Min-k %). */
  readonly leastLikely: number;
}

export interface MemoryAudit extends AuditResult {
  readonly kind: 'memory';
  readonly canaries: readonly ExposedCanary[];
  /** Exposure by copies, ascending, and above never seen. */
  readonly levels: readonly { readonly copies: number; readonly exposure: Interval; readonly above?: Interval }[];
  /** Spearman's correlation of copies with exposure. */
  readonly trend: { readonly value: number | undefined; readonly low?: number; readonly high?: number };
}

/** Share of a secret's tokens that Min-k % looks at. */
const leastShare = 0.2;

/**
 * What a model memorised: how far secrets that were planted in its training data rank above others that could stand
 * there, by how often they were planted. Canaries that were never planted are the control: by luck alone one of them may
 * rank high.
 * @throws WhereforeError `unsupported-model` where the model does not tell the probability of a given answer;
 *   `invalid-data` without canaries of 0 copies, or too few alternatives
 * @source Carlini et al. 2019, "The secret sharer", arXiv 1802.08232; Min-k %: Shi et al. 2023, arXiv 2310.16789
 */
export async function memoryAudit(
  model: TextModel,
  canaries: readonly Canary[],
  options: MemoryOptions,
): Promise<MemoryAudit> {
  needScores(model);
  check(canaries, options.alternatives);
  const { alternatives, drawn = alternatives.length, seed = 0, signal, onProgress } = options;
  const total = canaries.length * (drawn + 1);
  let done = 0;
  const exposed: ExposedCanary[] = [];
  for (const [c, canary] of canaries.entries()) {
    const score = async (secret: string) => {
      const scored = await model.score(canary.prefix, secret, { signal });
      onProgress?.(++done, total);
      return scored;
    };
    const own = await score(canary.secret);
    const others = alternatives.filter((secret) => secret !== canary.secret);
    const count = Math.min(drawn, others.length);
    let rank = 1;
    for (const i of choose(others.length, count, random(seed, c + 1)))
      if ((await score(others[i])).logProbability > own.logProbability) rank++;
    const tokens = own.tokens.map(({ logProbability }) => logProbability).sort((a, b) => a - b);
    exposed.push({
      ...canary,
      rank,
      exposure: Math.log2(count + 1) - Math.log2(rank),
      logProbability: own.logProbability,
      leastLikely: meanOf(tokens.slice(0, Math.max(1, Math.round(leastShare * tokens.length)))),
    });
  }
  return resultOf(exposed, drawn);
}

function resultOf(canaries: readonly ExposedCanary[], drawn: number): MemoryAudit {
  const exposures = (copies: number) => canaries.filter((c) => c.copies === copies).map(({ exposure }) => exposure);
  const never = exposures(0);
  const copies = [...new Set(canaries.map((c) => c.copies))].sort((a, b) => a - b);
  const levels = copies.map((level) => ({
    copies: level,
    exposure: meanWithInterval(exposures(level)),
    ...(level > 0 && { above: differenceOfMeans(exposures(level), never) }),
  }));
  const ratings = [canaries.map((c) => c.copies), canaries.map(({ exposure }) => exposure)];
  const { value, low, high } = overItems(ratings, ([a, b]) => spearman(a as number[], b as number[]));
  const seen = canaries.map((c) => c.copies > 0);
  const known = levels.filter(({ above }) => (above?.low ?? 0) > 0);
  const [first] = known;
  const measures: AuditMeasure[] = [
    ...levels.map(({ copies: level, exposure }) => ({
      name: level === 0 ? 'exposure of canaries never seen' : `exposure of canaries seen ${times(level)}`,
      value: exposure.mean,
      low: exposure.low,
      high: exposure.high,
      ...(level === 0 && {
        note: `bits; by chance ${chanceExposure(drawn).toFixed(2)}, at most ${Math.log2(drawn + 1).toFixed(2)}`,
      }),
    })),
    ...levels.flatMap(({ copies: level, above }) =>
      above
        ? [{ name: `${times(level)} above never`, value: above.mean, low: above.low, high: above.high, note: 'bits' }]
        : [],
    ),
    ...(value === undefined
      ? []
      : [{ name: 'trend of exposure with copies', value, low, high, note: 'rank correlation' }]),
    ...aucMeasures(canaries, seen),
  ];
  const verdict = first
    ? `The model memorised what stood in its training data ${times(first.copies)} or more: such secrets rank ${first.above?.mean.toFixed(1)} bits above those that never did.`
    : 'Secrets from the training data do not rank above those that were never in it.';
  return {
    kind: 'memory',
    alarm: known.length > 0,
    verdict,
    measures,
    canaries,
    levels,
    trend: { value, low, high },
    cases: {
      columns: ['copies', 'exposure, bits', 'rank', 'log p, nats', 'canary'],
      rows: [...canaries]
        .sort((a, b) => b.exposure - a.exposure)
        .map(({ copies: n, exposure, rank, logProbability, prefix, secret }) => [
          n,
          exposure,
          rank,
          logProbability,
          prefix + secret,
        ]),
    },
    notes: [`each secret was compared with ${drawn} others that could stand in its place`],
  };
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

/** Mean exposure of a secret whose rank is uniform. */
function chanceExposure(alternatives: number): number {
  let sum = 0;
  for (let rank = 1; rank <= alternatives + 1; rank++) sum += Math.log2(rank);
  return Math.log2(alternatives + 1) - sum / (alternatives + 1);
}

/** How well scores tell canaries that were seen from those that were not. */
function aucMeasures(canaries: readonly ExposedCanary[], seen: readonly boolean[]): AuditMeasure[] {
  const scores = { exposure: canaries.map((c) => c.exposure), 'Min-k %': canaries.map((c) => c.leastLikely) };
  return Object.entries(scores).flatMap(([name, values]) => {
    const area = areaUnderRoc(values, seen);
    return area === undefined
      ? []
      : [{ name: `seen told from never seen by ${name}`, value: area, note: 'area under ROC; .5 by chance' }];
  });
}

function check(canaries: readonly Canary[], alternatives: readonly string[]): void {
  const never = canaries.filter(({ copies }) => copies === 0).length;
  if (never < 2 || never === canaries.length) {
    throw new WhereforeError('invalid-data', 'canaries that were never planted are the control', {
      got: `${never} of ${canaries.length} with 0 copies`,
      expected: 'two at least, and others with more',
    });
  }
  if (alternatives.length < 9) {
    throw new WhereforeError('invalid-data', 'too few secrets to compare with', {
      got: String(alternatives.length),
      expected: 'nine at least: an exposure of 3.3 bits',
    });
  }
}
