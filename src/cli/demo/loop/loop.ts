import { basename, join } from 'node:path';
import { writeAtomically } from '../../../data/files/files.ts';
import type { Explained } from '../../../explain/explained.ts';
import { effectText } from '../../../influence/retraining/judge-experiment.ts';
import type { PageStep, StepImage } from '../../../page/explanation/steps.ts';
import { viewsOf } from '../../../report/audit/row-views.ts';
import { createNodeRuntime } from '../../../runtime/node.ts';
import { type LoopData, type LoopTools, loopFileNames, loopModel, openLoopRows, writeLoop } from './files.ts';
import { loopSettings, markedClass } from './rows.ts';
import {
  type Answers,
  answersOf,
  askBehind,
  type Behind,
  type BothMaps,
  mapsOfBoth,
  measure,
  mend,
  mistakeOf,
  type Review,
  reviewLabels,
  trainLoop,
} from './steps.ts';

/** What the loop found, in numbers: `loop.json` in its folder. */
export interface LoopFound {
  readonly rows: number;
  readonly labels: { readonly wrong: number; readonly found: number; readonly foundByLoss: number };
  /** Rows behind a mistake: of the strongest those from the agency, and the sum over each source. */
  readonly behind: {
    readonly proponents: number;
    readonly fromAgency: number;
    readonly agency: number;
    readonly own: number;
  };
  readonly verdict: string;
  /** Accuracy in points, against training on the rows as they are. */
  readonly gain: { readonly decisions: number; readonly random: number };
  /** Images of other things with the emblem that are taken for the marked class, before and after. */
  readonly turned: { readonly of: number; readonly before: number; readonly after: number };
  /** What the emblem makes of the explained difference, in logits, before and after. */
  readonly emblem: { readonly before: number; readonly after: number };
}

/** What the loop shows. */
export interface Loop {
  readonly steps: readonly PageStep[];
  /** A sentence for each step, for a terminal. */
  readonly sentences: readonly string[];
  /** One image, explained for the model as it was and as it is mended. */
  readonly explained: readonly Explained[];
}

/**
 * Closes the loop: trains on drawings of which a tenth has a wrong label and most fish bear an emblem, audits them, asks
 * what is behind a mistake, decides, trains again, and explains the mistake again. The files of every step stay below
 * `out`.
 * @param say told before each step
 */
export async function closeLoop(
  out: string,
  signal: AbortSignal,
  say: (step: string, share: number) => void,
): Promise<Loop> {
  const started = new Date();
  const folder = join(out, `${started.toISOString().slice(0, 19).replace(/[:T]/g, '-')}-demo-loop`);
  const runtime = createNodeRuntime();
  const tools: LoopTools = { folder, out, started, runtime, signal };
  const models = [];
  try {
    say('draws images and trains a network on them', 0.1);
    await writeLoop(folder);
    const initial = await loopModel(folder, loopFileNames.initial);
    models.push(initial);
    const { data } = await openLoopRows(folder, initial);
    await trainLoop(tools, data);
    const model = await loopModel(folder, loopFileNames.trained);
    models.push(model);
    const loop = await openLoopRows(folder, model);
    say('audits its rows', 0.3);
    const review = await reviewLabels(tools, model, loop);
    const before = await answersOf(model, loop.heldOut, signal);
    const mistake = mistakeOf(before, loop.heldOut);
    say('asks what is behind a mistake', 0.4);
    const behind = await askBehind(tools, model, loop, { mistake, decisions: review.decisions });
    say('trains again, with and without what was decided', 0.5);
    await mend(tools, loop, [...review.decisions, ...behind.decisions]);
    const mended = await loopModel(folder, loopFileNames.mended);
    models.push(mended);
    const after = await answersOf(mended, loop.heldOut, signal);
    const measured = await measure(tools);
    const maps = await mapsOfBoth(tools, [model, mended], loop, mistake);
    const shown = { loop, review, mistake, behind, measured, answers: [before, after], maps } as const;
    await writeAtomically(join(folder, loopFileNames.found), `${JSON.stringify(found(shown), undefined, 1)}\n`);
    const steps = await stepsOf(shown);
    return { steps, sentences: steps.map(({ title, text }) => `${title}: ${text}`), explained: maps.explained };
  } finally {
    for (const model of models) await model.close();
    await runtime.close();
  }
}

interface Shown {
  readonly loop: LoopData;
  readonly review: Review;
  readonly mistake: number;
  readonly behind: Behind;
  readonly measured: Awaited<ReturnType<typeof measure>>;
  readonly answers: readonly [before: Answers, after: Answers];
  readonly maps: BothMaps;
}

function found({ loop, review, behind, measured, answers, maps }: Shown): LoopFound {
  const [before, after] = answers;
  const [decisive, accuracy] = measured.document.measured;
  return {
    rows: loop.data.length,
    labels: { wrong: review.wrong, found: review.found.length, foundByLoss: review.foundByLoss },
    behind: {
      proponents: behind.document.all.proponents.length,
      fromAgency: behind.fromAgency,
      ...behind.sources,
    },
    verdict: decisive.verdict,
    gain: { decisions: accuracy.effect.mean, random: accuracy.random.mean },
    turned: { of: before.others, before: before.turned, after: after.turned },
    emblem: { before: maps.shares[0].sum, after: maps.shares[1].sum },
  };
}

/** Images that a step shows at most. */
const shownImages = 8;

async function stepsOf({ loop, review, mistake, behind, measured, answers, maps }: Shown): Promise<PageStep[]> {
  const { data, heldOut, truth } = loop;
  const [before, after] = answers;
  const { document } = measured;
  const [decisive, accuracy] = document.measured;
  const imagesOf = async (rows: readonly number[], of: typeof data, caption: (row: number) => string) => {
    const views = await viewsOf(of)(rows);
    return views.map((view, i): StepImage => ({ view, caption: caption(rows[i]) }));
  };
  const linkTo = (folder: string, text: string) => ({ href: `../${basename(folder)}/index.html`, text });
  const given = await data.column('label', review.found);
  const labelled = new Map(review.found.map((row, i) => [row, String(given[i])]));
  const proponents = behind.document.all.proponents.map(({ row }) => row);
  const sources = await data.column('source', proponents);
  const sourceOf = new Map(proponents.map((row, i) => [row, String(sources[i])]));
  const share = (sum: number) => `${sum < 0 ? '−' : '+'}${Math.abs(sum).toFixed(1)}`;
  const [total, totalAfter] = maps.totals.map(share);
  return [
    {
      title: 'Audit',
      text: `A second, smaller network was trained just now on ${data.length} drawings. A tenth of their labels are wrong, and ${100 * loopSettings.agency} % of the ${markedClass} images come from an agency and bear its emblem. wherefore audit orders the rows by how suspicious their labels are. Of the ${review.wrong} wrong labels ${review.found.length} stand in the first tenth of its list (by the training loss alone: ${review.foundByLoss}; by chance ${Math.round(review.wrong / 10)}). A reviewer who sees the images gives them the right one.`,
      images: await imagesOf(review.found.slice(0, shownImages), data, (row) => `${labelled.get(row)} → ${truth[row]}`),
      link: linkTo(review.page, 'The audit, to review by keyboard'),
    },
    {
      title: 'Influence',
      text: `Of ${before.others} held-out images of other things with the emblem ${before.turned} are taken for a ${markedClass}. wherefore influence asks which training rows are behind one of them, a ${maps.right}. Summed by source, the agency’s rows raise ${markedClass} (${share(behind.sources.agency)}), the others lower it (${share(behind.sources.own)}); of the ${proponents.length} strongest proponents ${behind.fromAgency} come from the agency. Its ${behind.decisions.length} images are dropped.`,
      images: [
        ...(await imagesOf([mistake], heldOut, () => `the mistake: a ${maps.right}`)),
        ...(await imagesOf(proponents.slice(0, shownImages - 1), data, (row) => `from: ${sourceOf.get(row)}`)),
      ],
      link: linkTo(behind.page, 'Its proponents and opponents, with their maps'),
    },
    {
      title: 'Retraining',
      text: `wherefore retrain trains ${document.trainings} times: on the rows as they are, as they were decided, and without as many random rows. On held-out images, half of them with the emblem, accuracy changes by ${effectText(accuracy.effect, 'points')}; without as many random rows by ${effectText(accuracy.random, 'points')}.`,
      plot: decisive,
      link: linkTo(measured.folder, 'Every seed, and each class'),
    },
    {
      title: 'The map again',
      text: `Of the difference between the logits of ${markedClass} and ${maps.right}, ${total}, the emblem made ${share(maps.shares[0].sum)}. For the network that was trained on the mended rows it makes ${share(maps.shares[1].sum)} of ${totalAfter}. Of the ${after.others} images with the emblem ${after.turned} are still taken for a ${markedClass}; of those without, ${percent(after.right)} are right (before: ${percent(before.right)}).`,
    },
  ];
}

const percent = (part: number) => `${(100 * part).toFixed(0)} %`;
