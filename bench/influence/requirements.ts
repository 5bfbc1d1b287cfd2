// Requirements of influence verified by retraining, on digits: R3 (claims), R4 (errors), R5 (groups), R6 (mechanisms), R8 (actions and
// calibration), R9 (a fairness gap).

import { dotRows, type Matrix64, matrixOf, rowOf } from '../../src/influence/matrix.ts';
import { planExperiment } from '../../src/influence/retraining/experiment.ts';
import { judgeQuantity } from '../../src/influence/retraining/judge-experiment.ts';
import { pairedEstimate } from '../../src/influence/retraining/paired.ts';
import { choose, random } from '../../src/tensor/random.ts';
import { actions, calibration, groups, largeGroups } from './effects.ts';
import { bracketed, gate, interval, shown } from './intervals.ts';
import { mechanisms } from './mechanisms.ts';
import {
  countsWithout,
  type DigitsSetting,
  drawRows,
  join,
  meanOf,
  nearCopy,
  type Rows,
  seedsOf,
  spoiled,
  subjectOf,
  trainAll,
} from './small-trainings.ts';

const none: ReadonlyMap<number, number> = new Map();

/** 95 % of a share by Wilson's score. */
function wilson(hits: number, of: number): [number, number] {
  const z = 1.96;
  const [p, d] = [hits / of, 1 + z ** 2 / of];
  const centre = (p + z ** 2 / (2 * of)) / d;
  const half = (z / d) * Math.sqrt((p * (1 - p)) / of + z ** 2 / (4 * of ** 2));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** R3: how often a change that helps is found to help, and one that does nothing is claimed to do something. */
async function claims({ folder, runtime, repeats, say }: DigitsSetting): Promise<void> {
  const count = 300;
  const verdicts = async (repeat: number, isPlanted: boolean) => {
    const clean = drawRows(folder, 'optdigits.tra', count, 100 + repeat);
    const chosen = Array.from(choose(count, count / 10, random(repeat, 24)));
    const rows = isPlanted ? spoiled(clean, chosen, repeat) : clean;
    const subject = await subjectOf(rows, drawRows(folder, 'optdigits.tes', 400, repeat), runtime);
    const change = { dropped: chosen, relabelled: none };
    const labels = Int32Array.from(rows.y);
    const plan = planExperiment({ rows: count, labels, change, seeds: seedsOf(5, 10 * repeat), seed: repeat });
    const values = (await trainAll(subject, plan.trainings)).map(meanOf);
    await subject.close();
    return judgeQuantity(plan, { title: 'mean log-probability', unit: 'nats', values });
  };
  const half = Math.round(repeats / 2);
  const planted = [];
  for (let r = 0; r < half; r++) planted.push(await verdicts(r, true));
  const innocent = [];
  for (let r = 0; r < repeats; r++) innocent.push(await verdicts(1000 + r, false));
  const found = planted.filter(({ verdict }) => verdict === 'helps').length;
  const claimed = innocent.filter(({ verdict }) => verdict === 'helps' || verdict === 'harms').length;
  say('\n### R3: what retraining claims\n');
  say(
    `${count} rows, 5 seeds with, without and without random rows, measured on 400 held-out rows; 95 % of the shares by Wilson's score. Mean gain from leaving out the planted 10 %: ${shown(meanOf(planted.map(({ effect }) => effect.mean)))} nats.\n`,
  );
  say('| change | claim | share | of | gate |');
  say('|---|---|---|---|---|');
  say(
    `| 10 % wrong labels left out | helps | ${bracketed(found / half, wilson(found, half))} | ${half} | ≥ .9 ${gate(found >= 0.9 * half)} |`,
  );
  say(
    `| 10 % random rows left out | helps or harms | ${bracketed(claimed / repeats, wilson(claimed, repeats))} | ${repeats} | ≤ .05 ${gate(claimed <= 0.05 * repeats)} |`,
  );
}

/** R4: wrongly labelled near-copies of a query among its first opponents, and what leaving them out does. */
async function errors({ folder, runtime, say }: DigitsSetting): Promise<void> {
  const [asked, copies, clean] = [20, 5, 400];
  const queries = drawRows(folder, 'optdigits.tes', asked, 5);
  const planted: Rows = {
    x: queries.x.flatMap((row, q) => seedsOf(copies).map((c) => nearCopy(row, 0.05, 10 * q + c))),
    y: queries.y.flatMap((k, q) => seedsOf(copies).map(() => (k + 1 + (q % 9)) % 10)),
  };
  const rows = join(drawRows(folder, 'optdigits.tra', clean, 5), planted);
  const subject = await subjectOf(rows, queries, runtime);
  const { values } = await subject.scores();
  const own = (q: number) => seedsOf(copies, clean + copies * q);
  const recallOf = (order: (q: number) => readonly number[]) =>
    seedsOf(asked).map((q) => {
      const first = new Set(order(q).slice(0, copies));
      return own(q).filter((row) => first.has(row)).length / copies;
    });
  const sorted = (of: ArrayLike<number>, sign: number) =>
    Array.from({ length: of.length }, (_, i) => i).sort((a, b) => sign * (of[a] - of[b]));
  const near = dotRows(unit(queries), unit(rows));
  const [byScore, byNearness] = [
    recallOf((q) => sorted(rowOf(values, q), 1)),
    recallOf((q) => sorted(rowOf(near, q), -1)),
  ];
  const mean = (of: readonly number[]) =>
    bracketed(
      meanOf(of),
      interval((at) => meanOf(at.map((i) => of[i])), of.length),
    );
  const seeds = seedsOf(5, 1);
  const whole = await trainAll(
    subject,
    seeds.map((seed) => ({ seed, counts: countsWithout(rows.y.length, []) })),
  );
  const gains: number[] = [];
  const perSeed: number[][] = seeds.map(() => []);
  for (let q = 0; q < asked; q++) {
    const trained = await trainAll(
      subject,
      seeds.map((seed) => ({ seed, counts: countsWithout(rows.y.length, own(q)) })),
    );
    const changes = trained.map((f, s) => f[q] - whole[s][q]);
    gains.push(meanOf(changes));
    for (const [s, change] of changes.entries()) perSeed[s].push(change);
  }
  await subject.close();
  const effect = pairedEstimate(perSeed.map(meanOf));
  const rise = gains.filter((gain) => gain > 0).length;
  say('\n### R4: from a wrong prediction to the rows behind it\n');
  say(
    `${clean} rows and, for each of ${asked} queries, ${copies} copies of it with noise of .05 and another label; exact influence on the network. The nearest rows find copies whatever their label.\n`,
  );
  say('| what | value | gate |');
  say('|---|---|---|');
  say(`| recall@5 of the planted rows among opponents | ${mean(byScore)} | ≥ .9 ${gate(meanOf(byScore) >= 0.9)} |`);
  say(`| the same among the nearest rows (cosine of pixels) | ${mean(byNearness)} | |`);
  say(
    `| rise of the query's log-probability without them, 5 seeds | ${bracketed(effect.mean, [effect.low ?? 0, effect.high ?? 0])} nats; up for ${rise} of ${asked} queries | |`,
  );
}

function unit({ x }: Rows): Matrix64 {
  const rows = x.map((row) => {
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    return row.map((value) => value / length);
  });
  return matrixOf(rows) as Matrix64;
}

/** R9: a gap between two slices of the held-out rows as what is measured. */
async function gap({ folder, runtime, say }: DigitsSetting): Promise<void> {
  const count = 400;
  const clean = drawRows(folder, 'optdigits.tra', count, 9);
  // Slice B: written faintly. Of its training rows, a fifth of all, 30 % have a wrong label.
  const isB = (i: number) => i % 5 === 0;
  const faint = (rows: Rows): Rows => ({
    ...rows,
    x: rows.x.map((row, i) => (isB(i) ? row.map((v) => v * 0.4) : row)),
  });
  const rowsOfB = seedsOf(count).filter(isB);
  const rows = spoiled(
    faint(clean),
    rowsOfB.filter((_, k) => k % 10 < 3),
    9,
  );
  const held = faint(drawRows(folder, 'optdigits.tes', 500, 9));
  const [a, b] = [seedsOf(500).filter((i) => !isB(i)), seedsOf(500).filter(isB)];
  const gapOf = (f: Float64Array) => meanOf(a.map((i) => f[i])) - meanOf(b.map((i) => f[i]));
  const subject = await subjectOf(rows, held, runtime);
  const { values } = await subject.scores();
  const tau = Float64Array.from({ length: count }, (_, i) =>
    gapOf(Float64Array.from({ length: 500 }, (_, q) => values.data[q * count + i])),
  );
  const left = seedsOf(count)
    .sort((x, y) => tau[y] - tau[x])
    .slice(0, count / 10);
  const seeds = seedsOf(10, 1);
  const plan = planExperiment({
    ...{ rows: count, labels: Int32Array.from(rows.y), seeds, seed: 9 },
    change: { dropped: left, relabelled: none },
  });
  const trained = await trainAll(subject, plan.trainings);
  const judged = judgeQuantity(plan, { title: 'gap', unit: 'nats', values: trained.map(gapOf) });
  const of = (slice: readonly number[]) =>
    judgeQuantity(plan, { title: '', unit: '', values: trained.map((f) => meanOf(slice.map((i) => f[i]))) }).effect;
  await subject.close();
  const told = ({ mean, low = mean, high = mean }: { mean: number; low?: number; high?: number }) =>
    bracketed(mean, [low, high]);
  say('\n### R9: a fairness gap as what is measured\n');
  say(
    `${count} rows, a fifth of them written faintly (slice B) and 30 % of those wrongly labelled; gap: mean log-probability of slice A less that of B on 500 held-out rows. The 10 % that raise it most are left out; 10 seeds with, without, and without random rows of the same classes.\n`,
  );
  say('| what | nats | gate |');
  say('|---|---|---|');
  say(`| gap, all rows | ${shown(meanOf(judged.values.with))} | |`);
  say(`| change of the gap without them | ${told(judged.effect)} | below 0 ${gate((judged.effect.high ?? 0) < 0)} |`);
  say(`| without as many random rows | ${told(judged.random)} | |`);
  say(`| difference of the two | ${told(judged.beyond)} | |`);
  say(`| change of slice A / slice B | ${told(of(a))} / ${told(of(b))} | |`);
}

const parts = { claims, errors, groups, largeGroups, mechanisms, actions, calibration, gap } as const;

/** @param only names of parts; default: all */
export async function requirements(bench: DigitsSetting, only?: readonly string[]): Promise<void> {
  bench.say('\n## Requirements, verified by retraining digits\n');
  for (const [name, part] of Object.entries(parts)) if (!only || only.includes(name)) await part(bench);
}
