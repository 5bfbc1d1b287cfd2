// Requirements of influence verified by retraining, on digits: R3 (claims), R4 (errors), R5 (groups), R8 (actions and
// calibration), R9 (a fairness gap).

import { calibratedEffect, calibrateEffects } from '../../src/influence/calibration/calibration.ts';
import { planCalibration, predictedChanges } from '../../src/influence/calibration/plan.ts';
import { calibrationTrainings, planRemovals } from '../../src/influence/calibration/removals.ts';
import { dotRows, type Matrix64, matrixOf, rowOf } from '../../src/influence/matrix.ts';
import { openNewtonSteps } from '../../src/influence/newton-step.ts';
import { planExperiment } from '../../src/influence/retraining/experiment.ts';
import { judgeQuantity } from '../../src/influence/retraining/judge-experiment.ts';
import { pairedEstimate } from '../../src/influence/retraining/paired.ts';
import type { PlannedTraining } from '../../src/influence/retraining/retraining.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { pearson, spearman } from '../../src/tensor/correlation.ts';
import { choose, random } from '../../src/tensor/random.ts';
import { interval } from './intervals.ts';
import {
  countsWithout,
  drawRows,
  join,
  meanOf,
  nearCopy,
  type Rows,
  seedsOf,
  subjectOf,
  trainAll,
  withClasses,
} from './small-trainings.ts';

export interface RequirementsBench {
  /** Of digits. */
  readonly folder: string;
  readonly runtime: Runtime;
  /** Repetitions of the experiments of R3; half of them for planted errors. */
  readonly repeats: number;
  readonly say: (line: string) => void;
}

const shown = (value: number, digits = 3) => value.toFixed(digits);
const bracketed = (value: number, [low, high]: readonly [number, number], digits = 3) =>
  `${shown(value, digits)} [${shown(low, digits)}, ${shown(high, digits)}]`;
const gate = (reached: boolean) => (reached ? '✓' : '✗');
const none: ReadonlyMap<number, number> = new Map();

/** 95 % of a share by Wilson's score. */
function wilson(hits: number, of: number): [number, number] {
  const z = 1.96;
  const [p, d] = [hits / of, 1 + z ** 2 / of];
  const centre = (p + z ** 2 / (2 * of)) / d;
  const half = (z / d) * Math.sqrt((p * (1 - p)) / of + z ** 2 / (4 * of ** 2));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** Wrong classes for some rows, any other class. */
function spoiled(rows: Rows, at: Iterable<number>, seed: number): Rows {
  const source = random(seed, 23);
  const y = [...rows.y];
  for (const i of at) y[i] = (y[i] + 1 + source.integer(9)) % 10;
  return withClasses(rows, y);
}

/** R3: how often a change that helps is found to help, and one that does nothing is claimed to do something. */
async function claims({ folder, runtime, repeats, say }: RequirementsBench): Promise<void> {
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
async function errors({ folder, runtime, say }: RequirementsBench): Promise<void> {
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

/** R5: effects of groups by the sum of their rows' scores and by one Newton step, against retraining. */
async function groups({ folder, runtime, say }: RequirementsBench): Promise<void> {
  const [count, sources] = [400, 20];
  const size = count / sources;
  const clean = drawRows(folder, 'optdigits.tra', count, 6);
  // Sources of 5 % of the rows each, of which 0 to 57 % of the labels are wrong.
  const members = seedsOf(sources).map((s) => seedsOf(size, s * size));
  const wrong = members.flatMap((rows, s) => rows.slice(0, Math.round((0.6 * s * size) / sources)));
  const rows = spoiled(clean, wrong, 6);
  const held = drawRows(folder, 'optdigits.tes', 400, 6);
  const subject = await subjectOf(rows, held, runtime);
  const { values } = await subject.scores();
  const tau = Float64Array.from({ length: count }, (_, i) =>
    meanOf(Array.from({ length: values.rows }, (_, q) => values.data[q * count + i])),
  );
  const seeds = seedsOf(8, 1);
  const effectOf = async (left: readonly number[]) => {
    const trained = await trainAll(
      subject,
      seeds.map((seed) => ({ seed, counts: countsWithout(count, left) })),
    );
    return trained.map((f, s) => meanOf(whole[s]) - meanOf(f));
  };
  const whole = await trainAll(
    subject,
    seeds.map((seed) => ({ seed, counts: countsWithout(count, []) })),
  );
  const sums = members.map((own) => own.reduce((sum, row) => sum + tau[row], 0));
  const measured: number[] = [];
  for (const own of members) measured.push(meanOf(await effectOf(own)));
  const rank = spearman(sums, measured) as number;
  const drawn = interval(
    (at) =>
      spearman(
        at.map((i) => sums[i]),
        at.map((i) => measured[i]),
      ) ?? Number.NaN,
    sources,
  );
  say('\n### R5: groups\n');
  say(
    `${count} rows of ${sources} sources, 0 to 57 % of their labels wrong; f: mean log-probability of 400 held-out rows; 8 seeds with and without. Spearman of the sum of scores and the retrained effect: **${bracketed(rank, drawn)}**, gate ≥ .7 ${gate(rank >= 0.7)}.\n`,
  );
  say('Effect of a group (f with it less f without), nats:\n');
  say('| group | rows | sum of scores | one Newton step | retrained | retrained/sum | retrained/Newton |');
  say('|---|---|---|---|---|---|---|');
  const steps = await openNewtonSteps(await subject.gradients(rows));
  const ofClass = (k: number) => seedsOf(count).filter((row) => rows.y[row] === k);
  const large: readonly [string, readonly number[]][] = [
    ['random, 5 %', Array.from(choose(count, count / 20, random(1, 25)))],
    ['random, 20 %', Array.from(choose(count, count / 5, random(2, 25)))],
    ['random, 50 %', Array.from(choose(count, count / 2, random(3, 25)))],
    ['worst source', members[sources - 1]],
    ['five worst sources', members.slice(-5).flat()],
    ['half of class 3', ofClass(3).filter((_, i) => i % 2 === 0)],
    ['class 3', ofClass(3)],
  ];
  for (const [name, own] of large) {
    const part: Rows = { x: own.map((i) => rows.x[i]), y: own.map((i) => rows.y[i]) };
    const { changes } = await steps.without(await subject.gradients(part));
    const [sum, newton] = [own.reduce((all, row) => all + tau[row], 0), -meanOf(changes)];
    const { mean, low = mean, high = mean } = pairedEstimate(await effectOf(own));
    say(
      `| ${name} | ${own.length} | ${shown(sum, 4)} | ${shown(newton, 4)} | ${bracketed(mean, [low, high], 4)} | ${shown(mean / sum, 2)} | ${shown(mean / newton, 2)} |`,
    );
  }
  await subject.close();
}

/** R8, first part: the four actions on a softmax regression at its optimum. */
async function actions({ folder, runtime, say }: RequirementsBench): Promise<void> {
  const [count, tried] = [300, 40];
  const rows = drawRows(folder, 'optdigits.tra', count, 7);
  const fresh = drawRows(folder, 'optdigits.tra', count + tried, 7);
  const added: Rows = { x: fresh.x.slice(count), y: fresh.y.slice(count) };
  const queries = drawRows(folder, 'optdigits.tes', 20, 7);
  // Rows that could be added have a place in the training, and count 0.
  const all = join(rows, added);
  const subject = await subjectOf(rows, queries, runtime, 'softmax regression');
  const { values, directions } = await subject.scores();
  const moved = withClasses(
    rows,
    rows.y.map((k) => (k + 3) % 10),
  );
  const others = await (await subject.gradients(moved)).dot(directions[0]);
  const news = await (await subject.gradients(added)).dot(directions[0]);
  // The loss is divided by all rows that have a place: a decay as much smaller has the same optimum.
  const bank = await subjectOf(all, queries, runtime, 'softmax regression', (1e-2 * count) / all.y.length);
  const base = (change: (counts: Uint32Array) => void, labels: ReadonlyMap<number, number> = none): PlannedTraining => {
    const counts = countsWithout(all.y.length, seedsOf(tried, count));
    change(counts);
    return { seed: 0, counts, labels };
  };
  const [before] = await trainAll(bank, [base(() => undefined)]);
  const cases: Readonly<Record<string, (i: number) => readonly [PlannedTraining, (q: number) => number]>> = {
    remove: (i) => [base((counts) => counts.fill(0, i, i + 1)), (q) => -values.data[q * count + i]],
    'count twice': (i) => [base((counts) => counts.fill(2, i, i + 1)), (q) => values.data[q * count + i]],
    relabel: (i) => [
      base(() => undefined, new Map([[i, moved.y[i]]])),
      (q) => others.data[q * count + i] - values.data[q * count + i],
    ],
    add: (i) => [base((counts) => counts.fill(1, count + i, count + i + 1)), (q) => news.data[q * tried + i]],
  };
  say('\n### R8: what an action does\n');
  say(
    `Softmax regression, ${count} rows, ${tried} rows for each action, ${queries.y.length} queries; exact influence. 95 % by bootstrap over the rows.\n`,
  );
  say('| action | Pearson of predicted and retrained | slope | gate |');
  say('|---|---|---|---|');
  for (const [name, of] of Object.entries(cases)) {
    const [p, m]: [number[][], number[][]] = [[], []];
    for (let i = 0; i < tried; i++) {
      const [training, predicted] = of(i);
      const [after] = await trainAll(bank, [training]);
      p.push(seedsOf(queries.y.length).map(predicted));
      m.push(seedsOf(queries.y.length).map((q) => after[q] - before[q]));
    }
    const pearsonOf = (at: readonly number[]) =>
      pearson(
        at.flatMap((i) => p[i]),
        at.flatMap((i) => m[i]),
      ) as number;
    const r = pearsonOf(seedsOf(tried));
    const [flatP, flatM] = [p.flat(), m.flat()];
    const slope =
      flatP.reduce((sum, one, i) => sum + one * flatM[i], 0) / flatP.reduce((sum, one) => sum + one ** 2, 0);
    say(`| ${name} | ${bracketed(r, interval(pearsonOf, tried))} | ${shown(slope, 2)} | ≥ .95 ${gate(r >= 0.95)} |`);
  }
  await subject.close();
  await bank.close();
}

/** R8, second part: a calibration of the network, and whether its intervals hold for queries and removals that it has not seen. */
async function calibration({ folder, runtime, say }: RequirementsBench): Promise<void> {
  const count = 400;
  const rows = drawRows(folder, 'optdigits.tra', count, 8);
  const queries = drawRows(folder, 'optdigits.tes', 32, 8);
  const subject = await subjectOf(rows, queries, runtime);
  const { values } = await subject.scores();
  const part = (from: number): Matrix64 => ({
    rows: 16,
    columns: count,
    data: values.data.slice(from * count, (from + 16) * count),
  });
  const seeds = seedsOf(5);
  const about = { labels: rows.y, seed: 1, count: 20 };
  const plan = planCalibration({
    ...{ ...about, scores: part(0), targets: queries.y.slice(0, 16), seeds },
    queries: queries.y.slice(0, 16).map((target, q) => ({ from: `${q}`, target })),
  });
  const trained = await trainAll(subject, calibrationTrainings(count, plan.removals, seeds));
  const found = calibrateEffects({
    ...{ predicted: plan.predicted, removals: plan.removals, queries: 16, seeds: 5 },
    values: Float64Array.from(trained.flatMap((f) => [...f.subarray(0, 16)])),
  });
  const other = planRemovals({ ...about, seed: 2, scores: part(16), targets: queries.y.slice(16) });
  const predicted = predictedChanges(part(16), other);
  const again = await trainAll(subject, calibrationTrainings(count, other, seeds));
  await subject.close();
  let [inside, all] = [0, 0];
  const missed = new Map<number, number>();
  for (const [j, { rows: left }] of other.entries())
    for (let q = 0; q < 16; q++) {
      const effect = calibratedEffect(found, predicted[j * 16 + q], left.length);
      if (!effect) continue;
      const measured = meanOf(seeds.map((_, s) => again[s * 21 + 1 + j][16 + q] - again[s * 21][16 + q]));
      all++;
      const holds = measured >= (effect.low ?? 0) && measured <= (effect.high ?? 0);
      inside += Number(holds);
      if (!holds) missed.set(left.length, (missed.get(left.length) ?? 0) + 1);
    }
  const { mean, low = mean, high = mean } = found.slope;
  say('\n### R8: calibration of the network\n');
  say(
    `${count} rows, 1,810 weights; 20 removals of 1 to 20 rows, 5 seeds with and without, 16 queries: slope **${bracketed(mean, [low, high], 2)}**, R² ${shown(found.r2, 2)}, Spearman ${shown(found.spearman ?? Number.NaN, 2)}, scatter ${shown(found.scatter)} nats. Of ${all} changes for 16 other queries and 20 other removals, the 95 % interval held ${shown((100 * inside) / all, 1)} % (misses by rows left out: ${[...missed].map(([size, times]) => `${size}: ${times}`).join(', ') || 'none'}).\n`,
  );
  say('| rows left out | slope of these alone | scatter, nats |');
  say('|---|---|---|');
  for (const { rows: size, slope, scatter } of found.bySize)
    say(`| ${size} | ${shown(slope, 2)} | ${shown(scatter)} |`);
}

/** R9: a gap between two slices of the held-out rows as what is measured. */
async function gap({ folder, runtime, say }: RequirementsBench): Promise<void> {
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

export async function requirements(bench: RequirementsBench): Promise<void> {
  bench.say('\n## Requirements, verified by retraining digits\n');
  for (const part of [claims, errors, groups, actions, calibration, gap]) await part(bench);
}
