// Predicted effects against retrained ones, on digits: groups (R5), the four actions and calibration (R8).

import { calibratedEffect, calibrateEffects, spreadOf } from '../../src/influence/calibration/calibration.ts';
import { planCalibration, predictedChanges } from '../../src/influence/calibration/plan.ts';
import { calibrationTrainings, planRemovals } from '../../src/influence/calibration/removals.ts';
import { type Matrix64, rowOf } from '../../src/influence/matrix.ts';
import { openNewtonSteps } from '../../src/influence/newton-step.ts';
import { pairedEstimate } from '../../src/influence/retraining/paired.ts';
import type { PlannedTraining } from '../../src/influence/retraining/retraining.ts';
import { pearson, spearman } from '../../src/tensor/correlation.ts';
import { choose, random } from '../../src/tensor/random.ts';
import { bracketed, gate, interval, shown } from './intervals.ts';
import {
  countsWithout,
  type DigitsSetting,
  drawRows,
  join,
  meanOf,
  type Rows,
  seedsOf,
  spoiled,
  subjectOf,
  trainAll,
  withClasses,
} from './small-trainings.ts';

const none: ReadonlyMap<number, number> = new Map();

/** R5: effects of groups by the sum of their rows' scores and by one Newton step, against retraining. */
export async function groups({ folder, runtime, say }: DigitsSetting): Promise<void> {
  const [count, sources] = [400, 20];
  const size = count / sources;
  const clean = drawRows(folder, 'optdigits.tra', count, 6);
  // Sources of 5 % of the rows each: ten without wrong labels, ten with 10 to 100 % of them.
  const members = seedsOf(sources).map((s) => seedsOf(size, s * size));
  const wrong = members.flatMap((rows, s) => rows.slice(0, Math.max(0, Math.round((size * (s - 9)) / 10))));
  const rows = spoiled(clean, wrong, 6);
  const held = drawRows(folder, 'optdigits.tes', 400, 6);
  const subject = await subjectOf(rows, held, runtime);
  const { values } = await subject.scores();
  const tau = Float64Array.from({ length: count }, (_, i) =>
    meanOf(Array.from({ length: values.rows }, (_, q) => values.data[q * count + i])),
  );
  const seeds = seedsOf(12, 1);
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
    `${count} rows of ${sources} sources, ten of them with 10 to 100 % wrong labels; f: mean log-probability of 400 held-out rows; ${seeds.length} seeds with and without. Spearman of the sum of scores and the retrained effect: **${bracketed(rank, drawn)}**, gate ≥ .7 ${gate(rank >= 0.7)}.\n`,
  );
  await subject.close();
}

/** Groups too large for their sum: by one Newton step, on a model at its optimum and on a network that is not. */
export async function largeGroups({ folder, runtime, say }: DigitsSetting): Promise<void> {
  const count = 300;
  const rows = drawRows(folder, 'optdigits.tra', count, 10);
  const held = drawRows(folder, 'optdigits.tes', 200, 10);
  const ofClass = (k: number) => seedsOf(count).filter((row) => rows.y[row] === k);
  const drawn = (size: number) => Array.from(choose(count, size, random(size, 25)));
  const large: readonly [string, readonly number[]][] = [
    ['random', drawn(3)],
    ['random', drawn(15)],
    ['random', drawn(60)],
    ['random', drawn(150)],
    ['half of class 3', ofClass(3).filter((_, i) => i % 2 === 0)],
    ['class 3', ofClass(3)],
  ];
  say('\n### R5: groups that are too large for their sum\n');
  say(
    `${count} rows; f: mean log-probability of ${held.y.length} held-out rows, its change without a group in nats; retrained: of the softmax regression its one optimum, of the network the mean of 8 seeds with a 95 % interval.\n`,
  );
  say('| model | group | rows | sum of scores | one Newton step | retrained | retrained/sum | retrained/Newton |');
  say('|---|---|---|---|---|---|---|---|');
  for (const kind of ['softmax regression', 'MLP'] as const) {
    const subject = await subjectOf(rows, held, runtime, kind);
    const { values } = await subject.scores();
    const seeds = kind === 'MLP' ? seedsOf(8, 1) : [0];
    const train = (left: readonly number[]) =>
      trainAll(
        subject,
        seeds.map((seed) => ({ seed, counts: countsWithout(count, left) })),
      );
    const whole = await train([]);
    const steps = await openNewtonSteps(await subject.gradients(rows));
    for (const [name, own] of large) {
      const part: Rows = { x: own.map((i) => rows.x[i]), y: own.map((i) => rows.y[i]) };
      const newton = meanOf((await steps.without(await subject.gradients(part))).changes);
      const sum = -own.reduce(
        (all, row) => all + meanOf(seedsOf(values.rows).map((q) => values.data[q * count + row])),
        0,
      );
      const retrained = (await train(own)).map((f, s) => meanOf(f) - meanOf(whole[s]));
      const { mean, low, high } = pairedEstimate(retrained);
      const told = low === undefined || high === undefined ? shown(mean, 4) : bracketed(mean, [low, high], 4);
      say(
        `| ${kind} | ${name} | ${own.length} | ${shown(sum, 4)} | ${shown(newton, 4)} | ${told} | ${shown(mean / sum, 2)} | ${shown(mean / newton, 2)} |`,
      );
    }
    const onAll = meanOf(await steps.stepOnAll());
    say(`| ${kind} | none: a step on all rows | 0 | – | ${shown(onAll, 4)} | – | – | – |`);
    await subject.close();
  }
}

/** R8, first part: the four actions on a softmax regression at its optimum. */
export async function actions({ folder, runtime, say }: DigitsSetting): Promise<void> {
  const [count, tried] = [300, 25];
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
export async function calibration({ folder, runtime, say }: DigitsSetting): Promise<void> {
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
    ...{ predicted: plan.predicted, removals: plan.removals, spreads: plan.spreads, seeds: 5 },
    values: Float64Array.from(trained.flatMap((f) => [...f.subarray(0, 16)])),
  });
  const other = planRemovals({ ...about, seed: 2, scores: part(16), targets: queries.y.slice(16) });
  const predicted = predictedChanges(part(16), other);
  const again = await trainAll(subject, calibrationTrainings(count, other, seeds));
  await subject.close();
  const halves: number[] = [];
  let inside = 0;
  const missed = new Map<number, number>();
  for (const [j, { rows: left }] of other.entries())
    for (let q = 0; q < 16; q++) {
      const spread = spreadOf(rowOf(part(16), q));
      const effect = calibratedEffect(found, predicted[j * 16 + q], { rows: left.length, spread });
      if (!effect) continue;
      const measured = meanOf(seeds.map((_, s) => again[s * 21 + 1 + j][16 + q] - again[s * 21][16 + q]));
      const half = (effect.high ?? 0) - effect.mean;
      halves.push(half);
      if (Math.abs(measured - effect.mean) <= half) inside++;
      else missed.set(left.length, (missed.get(left.length) ?? 0) + 1);
    }
  const all = halves.length;
  const { mean, low = mean, high = mean } = found.slope;
  say('\n### R8: calibration of the network\n');
  say(
    `${count} rows, 910 weights; 20 removals of 1 to 20 rows, 5 seeds with and without, 16 queries: slope **${bracketed(mean, [low, high], 2)}**, R² ${shown(found.r2, 2)}, Spearman ${shown(found.spearman ?? Number.NaN, 2)}, scatter ${shown(found.scatter)} nats. Of ${all} changes for 16 other queries and 20 other removals, the 95 % interval (± ${shown(meanOf(halves))} on average) held ${shown((100 * inside) / all, 1)} % (misses by rows left out: ${[...missed].map(([size, times]) => `${size}: ${times}`).join(', ') || 'none'}).\n`,
  );
  say('| rows left out | slope of these alone | scatter, nats |');
  say('|---|---|---|');
  for (const { rows: size, slope, scatter } of found.bySize)
    say(`| ${size} | ${shown(slope, 2)} | ${shown(scatter)} |`);
}
