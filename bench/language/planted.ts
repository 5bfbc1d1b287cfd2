import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Follower } from '../../examples/language/addition.ts';
import { shortcutClasses, shortcutWords } from '../../examples/language/shortcut.ts';
import { formatTable } from '../../src/cli/table-text.ts';
import type { Interval } from '../../src/evaluation/statistics.ts';
import { shareWithInterval } from '../../src/language/audit/estimates.ts';
import { orderOf } from '../../src/language/circuit/circuit.ts';
import { faithfulness } from '../../src/language/circuit/edge-attribution.ts';
import { openLanguageModel } from '../../src/language/model/language-model.ts';
import { findShortcut } from '../../src/language/shortcut/shortcut.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { meanOf } from '../../src/tensor/correlation.ts';
import { additionDependence } from '../../test/language/addition-dependence.ts';
import { openHandSetCircuit } from '../../test/language/hand-set-circuit.ts';
import { missedMistakes, struckTruths } from '../../test/language/invented-explanations.ts';
import { type KnownConcepts, knownConcepts } from '../../test/language/known-concepts.ts';
import { plantedGaps } from '../../test/language/ruled-models.ts';
import { alignedTexts, judgedClassifier, trainedOn } from '../../test/language/shortcut-training.ts';
import { coverage, simulatedJudges } from '../../test/language/simulated-judges.ts';
import { trainedInduction } from '../../test/language/trained-induction.ts';
import { interval } from './interval.ts';

interface Planted {
  readonly runtime: Runtime;
  /** An empty folder of its own. */
  readonly folder: () => string;
  /** Trainings or draws, where a world can be made anew. */
  readonly seeds: number;
}

type Rows = [what: string, seen: string][];

const share = (hits: number, count: number) => `${written(shareWithInterval(hits, count))} of ${count}`;
const written = ({ mean, low = mean, high = mean }: Interval) =>
  `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
const each = (values: readonly number[]) => values.map((value) => value.toFixed(3)).join(', ');

const worlds: Readonly<Record<string, (planted: Planted) => Promise<Rows>>> = {
  gap: async () => {
    const runs = 2000;
    const { inside, alarms } = await plantedGaps(runs);
    return [
      ['planted gap inside its interval', share(inside, runs)],
      ['zero outside where there is none', share(alarms, runs)],
    ];
  },
  judge: async () =>
    simulatedJudges.map((judge) => {
      const { covered, shorter } = coverage(judge, 500);
      return [
        `truth inside, ${judge.name}`,
        `${share(covered, 500)}; ${shorter.toFixed(2)} of the length of people alone`,
      ];
    }),
  words: async () => {
    const [missed, struck] = [missedMistakes(400), struckTruths(400)];
    for (const text of [...missed.seen, ...struck.seen].slice(0, 10)) console.log(`  ${text}`);
    return [
      ['planted mistakes found', share(missed.count - missed.seen.length, missed.count)],
      ['true sentences struck', share(struck.seen.length, struck.count)],
    ];
  },
  concepts: async ({ runtime, folder, seeds }) => {
    const found: Awaited<ReturnType<typeof knownConcepts>>[] = [];
    for (let seed = 1; seed <= seeds; seed++) found.push(await knownConcepts(folder(), { seed, count: 1500, runtime }));
    const gap = ({ fit }: KnownConcepts) => fit.soft.mean - (fit.blackBox?.mean ?? Number.NaN);
    return (['sure', 'unsure'] as const).flatMap((scores): Rows => {
      const ones = found.map((one) => one[scores]);
      return [
        [`${scores} scores: true concepts of six with their sign`, ones.map(({ right }) => right).join(', ')],
        ['by concepts', ones.map(({ fit }) => written(fit.soft)).join(', ')],
        ['the network', ones.map(({ fit }) => (fit.blackBox ? written(fit.blackBox) : '')).join(', ')],
        ['concepts less network', `${each(ones.map(gap))}: ${interval(ones.map(gap))}`],
        ['leakage', each(ones.map(({ fit }) => fit.leakage))],
      ];
    });
  },
  circuit: async ({ runtime, folder, seeds }) => {
    const areas: number[][] = [[], [], [], []];
    for (let seed = 1; seed <= seeds; seed++) {
      const circuit = await openHandSetCircuit(folder(), { seed, count: 24, runtime });
      const { program, runs, sizes, area } = await circuit.scored({ kind: 'mean' }, 16);
      const [{ share }] = await faithfulness(program, runs, orderOf(sizes), [7]);
      const plain = await circuit.scored({ kind: 'mean' }, 0);
      const last = await circuit.scored(circuit.lastToken, 16);
      for (const [i, value] of [area, plain.area, last.area, share].entries()) areas[i].push(value);
      await circuit.language.close();
    }
    return [
      ['area, EAP-IG under the mean', each(areas[0])],
      ['area, EAP under the mean', each(areas[1])],
      ['area, EAP-IG under another last token', each(areas[2])],
      ['faithfulness of the seven first edges', each(areas[3])],
    ];
  },
  induction: async ({ runtime }) => {
    const language = await openLanguageModel('examples/language/models/induction', { runtime });
    const { found, whole, withoutFound, withoutOthers } = await trainedInduction(language, 64);
    await language.close();
    const lost = (without: readonly number[]) => interval(whole.map((value, i) => value - without[i]));
    return [
      ['foretold', interval(whole)],
      [`lost without the set (${found.length} heads)`, lost(withoutFound)],
      ['lost without all others', lost(withoutOthers)],
    ];
  },
  reasoning: async ({ runtime }) => {
    const rows: [string, string][] = [];
    for (const kind of ['follows', 'half-way', 'ignores'] satisfies Follower[]) {
      const { truncation, edits, verdict } = await additionDependence(kind, { count: 100, runtime });
      rows.push([kind, `cut off ${written(truncation)}, a mistake ${written(edits)}: ${verdict}`]);
    }
    return rows;
  },
  shortcut: async ({ runtime, folder, seeds }) => {
    const classes = shortcutClasses;
    const first: number[] = [];
    const arms: Record<string, { alike: number[]; worst: Interval[] }> = {};
    let reported = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const data = alignedTexts({ seed });
      const train = (texts: typeof data, epochs?: number) =>
        trainedOn(texts, { folder: join(folder(), 'model'), epochs, seed, runtime });
      const plain = await train(data);
      const { document, copies } = await findShortcut(plain, data, { classes });
      first.push(Number(shortcutWords.includes(document.words[0].word as 'reeves')));
      const trained = {
        'as it is': plain,
        'twice as long': await train(data, 24),
        'with swapped copies': await train([...data, ...copies]),
      };
      for (const [name, model] of Object.entries(trained)) {
        const { alike, worstInterval } = await judgedClassifier(model, seed);
        const arm = (arms[name] ??= { alike: [], worst: [] });
        arm.alike.push(alike);
        arm.worst.push(worstInterval);
      }
      const tossed = alignedTexts({ seed, count: 600, aligned: 0.5, randomLabels: true });
      reported += (await findShortcut(await train(tossed), tossed, { classes })).document.reported;
    }
    return [
      ['shortcut first', `${meanOf(first) * first.length} of ${seeds}`],
      ...Object.entries(arms).map(([name, { alike, worst }]): [string, string] => [
        name,
        `alike ${each(alike)}; worst group ${worst.map(written).join(', ')}`,
      ]),
      ['words reported on random labels', String(reported)],
    ];
  },
};

/** What the strategies say of worlds in which something was planted. */
export async function measurePlanted(seeds: number, names: readonly string[]): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const base = mkdtempSync(join(tmpdir(), 'wherefore-planted-'));
  const folder = () => mkdtempSync(join(base, 'world-'));
  for (const [name, measure] of Object.entries(worlds)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(formatTable([[name, 'seen'], ...(await measure({ runtime, folder, seeds }))]));
  }
  rmSync(base, { recursive: true, force: true });
  await runtime.close();
}
