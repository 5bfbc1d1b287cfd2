import { type Contrast, contrastsOf, type Effect } from './contrasts.ts';
import type { FamilyShare } from './family-members.ts';
import { type MembershipTest, membershipTests } from './membership-test.ts';
import type { PlannedRun } from './plan.ts';
import { leftOutOf, type ShareAgreement, shareAgreement } from './share-agreement.ts';
import { type Verdict, verdictOf } from './verdict.ts';
import type { DoneTraining, VerifiedItem } from './verification.ts';

/** What came of leaving out each value of a column. */
export interface LeftOutColumn {
  readonly column: string;
  readonly seeds: number;
  readonly items: number;
  /** Each value against full data of the same seeds. */
  readonly contrasts: readonly Contrast[];
  /** How far shares by tracing name the values whose absence costs most. */
  readonly agreement: readonly ShareAgreement[];
}

/** What a verification found, for the page, the terminal and the document. */
export interface VerificationTold {
  readonly contrasts: readonly Contrast[];
  readonly verdict: Verdict;
  /** By the manifest of the index. */
  readonly membership: readonly string[];
  readonly notes: readonly string[];
  /** By costs alone, of a whole stratum; none without look-alikes from outside. */
  readonly tests: readonly MembershipTest[];
  readonly leftOut?: LeftOutColumn;
  /** The effect of the traced arm by how many images were removed for each prompt, the fewest first. */
  readonly growth: readonly GrownEffect[];
  /** How much of the families of the items each arm chooses. */
  readonly families: readonly FamilyShare[];
}

/** What removing so many images for each prompt did. */
export interface GrownEffect {
  readonly removed: number;
  /** By stratum. */
  readonly effects: Readonly<Record<string, Effect>>;
}

/** Reads the trainings of a plan. */
export function toldOf(
  { plan, membership, notes, shares, families }: PlannedRun,
  trainings: readonly DoneTraining[],
  items: readonly VerifiedItem[],
  { column, remove }: { readonly column: string | undefined; readonly remove: number },
): VerificationTold {
  const contrasts = contrastsOf(
    trainings.filter(({ without, fewer }) => without === undefined && fewer === undefined),
    items,
  );
  const base = {
    families,
    contrasts,
    verdict: verdictOf(contrasts),
    membership,
    notes,
    growth: growthOf(trainings, items, mostRemoved(items, remove)),
  };
  const tests = membershipTests(trainings, plan.candidates);
  const leftOut = leftOutOf(trainings, items);
  if (!leftOut || !shares || column === undefined) return { ...base, tests };
  const of = trainings.filter(({ arm, without }) => arm === 'full' || without !== undefined);
  return {
    ...base,
    tests,
    leftOut: {
      column,
      seeds: leftOut.seeds,
      items: items.length,
      contrasts: contrastsOf(of, items).filter(({ arm }) => arm !== 'reseeded'),
      agreement: shareAgreement(leftOut, items, shares),
    },
  };
}

const mostRemoved = (items: readonly VerifiedItem[], remove: number) =>
  items.reduce((most, item) => Math.max(most, item.remove ?? remove), 0);

function growthOf(trainings: readonly DoneTraining[], items: readonly VerifiedItem[], remove: number): GrownEffect[] {
  const counts = new Set(trainings.flatMap(({ fewer }) => (fewer === undefined ? [] : [fewer])));
  if (counts.size === 0) return [];
  const full = trainings.filter(({ arm }) => arm === 'full');
  const grown = [...counts, remove].map((removed): GrownEffect => {
    const own = trainings.filter(({ arm, fewer }) => (fewer ?? (arm === 'traced' ? remove : undefined)) === removed);
    const [{ effects }] = contrastsOf([...full, ...own], items);
    return { removed, effects: effects.whole };
  });
  return grown.sort((a, b) => a.removed - b.removed);
}

/** `.750 (.670, .820)` */
export function aucText({
  mean,
  low,
  high,
}: {
  readonly mean: number;
  readonly low: number | undefined;
  readonly high: number | undefined;
}): string {
  if (low === undefined || high === undefined) return `${mean.toFixed(3)} (no interval)`;
  return `${mean.toFixed(3)} (${low.toFixed(3)}, ${high.toFixed(3)})`;
}

export function shareAgreementTitle({ column, items, seeds }: LeftOutColumn): string {
  return `Shares by tracing against leaving out: how often the largest share is of the ${column} whose absence costs the item most (${items} items, effects averaged over ${seeds} seed${seeds === 1 ? '' : 's'}; 95 % over prompts)`;
}
