// R6: the rows behind a behaviour, sorted into kinds by why they act, against three planted mechanisms that share a label.

import { kMeans } from '../../src/influence/clusters.ts';
import { rowKinds } from '../../src/influence/kinds.ts';
import { matrixOf } from '../../src/influence/matrix.ts';
import { score } from '../../src/influence/score.ts';
import { bracketed, gate, interval, shown } from './intervals.ts';
import { type DigitsSetting, drawRows, join, meanOf, type Rows, seedsOf, subjectOf } from './small-trainings.ts';

const planted = 20;

/** The first row of pixels set to 1. */
const stamped = (row: Float32Array): Float32Array => {
  const copy = row.slice();
  copy.fill(1, 0, 8);
  return copy;
};
const same = (row: Float32Array): Float32Array => row;

interface Mechanism {
  /** Which digits. */
  readonly of: (k: number) => boolean;
  readonly look: (row: Float32Array) => Float32Array;
  readonly label: number;
}

/** Threes taken for eights, whatever has a stamp taken for an eight, and ones taken for sevens. */
const three: readonly Mechanism[] = [
  { of: (k) => k === 3, look: same, label: 8 },
  { of: (k) => ![1, 3, 7, 8].includes(k), look: stamped, label: 8 },
  { of: (k) => k === 1, look: same, label: 7 },
];

/** Rows of each mechanism, with their true labels or its label. */
function mechanismsOf({ x, y }: Rows, isWrong: boolean): Rows[] {
  return three.map(({ of, look, label }) => {
    const at = y.flatMap((k, i) => (of(k) ? [i] : [])).slice(0, planted);
    return { x: at.map((i) => look(x[i])), y: at.map((i) => (isWrong ? label : y[i])) };
  });
}

/** Hubert and Arabie 1985: 1 where two partitions are the same, 0 on average by chance. */
function adjustedRand(a: readonly number[], b: readonly number[]): number {
  const pairs = (n: number) => (n * (n - 1)) / 2;
  const counted = (keys: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return [...counts.values()].reduce((sum, n) => sum + pairs(n), 0);
  };
  const both = counted(a.map((one, i) => `${one} ${b[i]}`));
  const [ofA, ofB] = [counted(a.map(String)), counted(b.map(String))];
  const expected = (ofA * ofB) / pairs(a.length);
  const most = (ofA + ofB) / 2;
  return most === expected ? 1 : (both - expected) / (most - expected);
}

export async function mechanisms({ folder, runtime, say }: DigitsSetting): Promise<void> {
  const [clean, repeats] = [400, 10];
  const found: { kinds: number; byKinds: number; byPixels: number; byLabel: number; share: number; sorted: number }[] =
    [];
  for (const seed of seedsOf(repeats)) {
    const drawn = drawRows(folder, 'optdigits.tra', 1200, 40 + seed);
    const base: Rows = { x: drawn.x.slice(0, clean), y: drawn.y.slice(0, clean) };
    const rest: Rows = { x: drawn.x.slice(clean), y: drawn.y.slice(clean) };
    const wrong = mechanismsOf(rest, true);
    const rows = join(base, ...wrong);
    const truth = [...base.y.map(() => -1), ...wrong.flatMap(({ y }, m) => y.map(() => m))];
    // Held-out rows of the same looks, with their true labels: what the planted rows spoil.
    const queries = join(...mechanismsOf(drawRows(folder, 'optdigits.tes', 600, 40 + seed), false));
    const subject = await subjectOf(rows, queries, runtime);
    const gradients = await subject.gradients(rows);
    const { values } = await score('influence', { rows: rows.y.length, queries: queries.y.length, seed: 1, gradients });
    const scores = Float64Array.from({ length: values.columns }, (_, i) =>
      meanOf(Float64Array.from({ length: values.rows }, (_, q) => values.data[q * values.columns + i])),
    );
    const kinds = (await rowKinds(gradients, scores, new Map(), { seed })).filter(({ helps }) => !helps);
    await subject.close();
    const sorted = kinds.flatMap((kind, k) => kind.rows.map((row) => ({ row, k })));
    const ofPlanted = sorted.filter(({ row }) => truth[row] >= 0);
    const right = ofPlanted.map(({ row }) => truth[row]);
    const pixels = kMeans(matrixOf(ofPlanted.map(({ row }) => rows.x[row])), 3, seed);
    found.push({
      kinds: kinds.length,
      byKinds: adjustedRand(
        ofPlanted.map(({ k }) => k),
        right,
      ),
      byPixels: adjustedRand(Array.from(pixels.assignment), right),
      byLabel: adjustedRand(
        ofPlanted.map(({ row }) => rows.y[row]),
        right,
      ),
      share: ofPlanted.length / sorted.length,
      sorted: sorted.length,
    });
  }
  const of = (value: (one: (typeof found)[0]) => number) => {
    const mean = (at: readonly number[]) => meanOf(at.map((i) => value(found[i])));
    return { mean: mean([...found.keys()]), text: bracketed(mean([...found.keys()]), interval(mean, repeats)) };
  };
  const byKinds = of((one) => one.byKinds);
  say('\n### R6: why rows act\n');
  say(
    `${clean} rows and ${planted} of each of three kinds: threes labelled 8, digits with a stamp labelled 8, ones labelled 7; f: mean log-probability of ${3 * planted} held-out rows of the same looks. Opponents that hold 90 % of the sum, sorted into kinds; agreement with the planted kinds by the adjusted Rand index over the planted ones among them, ${repeats} draws.\n`,
  );
  say('| what | value | gate |');
  say('|---|---|---|');
  say(`| by gradients, kinds not known beforehand | ${byKinds.text} | ≥ .7 ${gate(byKinds.mean >= 0.7)} |`);
  say(`| by pixels (k-means into three) | ${of((one) => one.byPixels).text} | |`);
  say(`| by the label alone | ${of((one) => one.byLabel).text} | |`);
  say(
    `| rows sorted; planted among them; kinds | ${shown(of((one) => one.sorted).mean, 0)}; ${of((one) => one.share).text}; ${shown(of((one) => one.kinds).mean, 1)} | |`,
  );
}
