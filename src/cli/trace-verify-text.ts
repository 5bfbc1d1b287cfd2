import type { Contrast } from '../provenance/verify/contrasts.ts';
import type { FamilyShare } from '../provenance/verify/family-members.ts';
import type { PlannedRun } from '../provenance/verify/plan.ts';
import { effectText } from '../provenance/verify/verdict.ts';
import { aucText, shareAgreementTitle, type VerificationTold } from '../provenance/verify/verification-told.ts';
import { formatTable } from './table-text.ts';

/** What `trace verify --plan` prints. */
export function describePlan({ plan, membership, notes, families }: PlannedRun): string {
  const parts = [`${plan.trainings.length} trainings`, `membership: ${membership.join('; ')}`, ...notes];
  if (families.length > 0) parts.push(familyTable(families));
  return parts.join('\n');
}

function familyTable(families: readonly FamilyShare[]): string {
  const rows = families.map(({ arm, shares }) => [arm, ...Object.values(shares).map((one) => one.toFixed(2))]);
  return `\nhow much of the families of the items is among as many images as they have, by arm\n${formatTable([['arm', ...Object.keys(families[0].shares)], ...rows])}`;
}

/** What `trace verify` prints. */
export function describeVerification({
  contrasts,
  verdict,
  membership,
  tests,
  leftOut,
  growth,
  families,
}: VerificationTold): string {
  const { support, specificity, unrelated } = verdict;
  const parts = [
    `membership: ${membership.join('; ')}`,
    `support: ${support}`,
    `specificity: ${specificity}`,
    `unrelated: ${unrelated}`,
    '\nwhat an item costs more than under full data of the same seed, mean (95 % over prompts and seeds)',
    effectTable(contrasts),
  ];
  if (families.length > 0) parts.push(familyTable(families));
  if (growth.length > 0)
    parts.push(
      '\nhow the effect grows with the images removed for each prompt',
      formatTable([
        ['removed', ...Object.keys(growth[0].effects)],
        ...growth.map(({ removed, effects }) => [String(removed), ...Object.values(effects).map(effectText)]),
      ]),
    );
  if (tests.length > 0)
    parts.push(
      '\nhow well costs alone tell images of the data from look-alikes outside, AUC (95 %); .5 is chance, and no verdict on one image',
      formatTable([
        ['stratum', 'in the data', 'look-alikes', 'own cost', 'against models that saw neither'],
        ...tests.map(({ stratum, members, lookAlikes, own, against }) => [
          stratum,
          String(members),
          String(lookAlikes),
          aucText(own),
          against ? aucText(against) : '–',
        ]),
      ]),
    );
  if (leftOut)
    parts.push(
      `\nwithout each ${leftOut.column}`,
      effectTable(leftOut.contrasts),
      `\n${shareAgreementTitle(leftOut)}`,
      formatTable([
        ['shares by', 'first', 'clear half', 'NDCG@3'],
        ...leftOut.agreement.map(({ method, first, clear, ndcg }) => [
          method,
          aucText(first),
          clear?.toFixed(3) ?? '–',
          aucText(ndcg),
        ]),
      ]),
    );
  return parts.join('\n');
}

function effectTable(contrasts: readonly Contrast[]): string {
  const strata = Object.keys(contrasts[0]?.effects.whole ?? {});
  return formatTable([
    ['arm', 'seeds', ...strata],
    ...contrasts.map(({ arm, against, effects }) => [
      against ? `${arm} − ${against}` : arm,
      String(Object.values(effects.whole)[0].seeds),
      ...strata.map((stratum) => effectText(effects.whole[stratum])),
    ]),
  ]);
}
