import type { ImageIndex } from '../image/image-index.ts';
import { type ArmContext, type ArmName, arms } from './arms.ts';
import { unrelatedStratum, type VerifiedItem } from './verification.ts';

/** How much of the families of items an arm chooses, when it chooses as many images as each family has. */
export interface FamilyShare {
  readonly arm: string;
  /** Mean share over the prompts of each stratum whose family is known. */
  readonly shares: Readonly<Record<string, number>>;
}

/** For every arm the share of each prompt's family among as many images as it has members; none where none is known. */
export function familyShares(
  names: readonly string[],
  context: ArmContext,
  items: readonly VerifiedItem[],
  index: Pick<ImageIndex, 'items'>,
): FamilyShare[] {
  const asked = context.prompts.flatMap((prompt) => {
    const item = items.find(({ group, family }) => group === prompt.group && family !== undefined);
    if (!item || item.stratum === unrelatedStratum) return [];
    const members = new Set<number>();
    for (const [image, { columns }] of index.items.entries())
      if (Object.values(columns).some((value) => String(value) === item.family)) members.add(image);
    return members.size === 0 ? [] : [{ prompt, members, stratum: item.stratum }];
  });
  if (asked.length === 0) return [];
  const prompts = asked.map(({ prompt, members }) => ({ ...prompt, remove: members.size }));
  return names.map((arm) => {
    const chosen = arms[arm as ArmName].choose({ ...context, prompts });
    const shares: Record<string, number> = {};
    for (const stratum of new Set(asked.map((one) => one.stratum))) {
      const own = asked.flatMap((one, p) => (one.stratum === stratum ? [hits(chosen[p], one.members)] : []));
      shares[stratum] = own.reduce((sum, share) => sum + share / own.length, 0);
    }
    return { arm, shares };
  });
}

const hits = (chosen: readonly number[], members: ReadonlySet<number>) =>
  chosen.filter((image) => members.has(image)).length / members.size;
