import { join } from 'node:path';
import type { Command } from 'commander';
import { hashOfFile } from '../data/files/file-hash.ts';
import { portablePath } from '../data/files/portable-path.ts';
import { readBytes } from '../data/files/read-file.ts';
import { readImage, writePng } from '../data/formats/image.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { type DrawnAgain, renderVerificationPage } from '../page/provenance/verification-page.ts';
import { readCalibration } from '../provenance/image/calibration-file.ts';
import { closeAll, openEncoders } from '../provenance/image/encoder.ts';
import { openImageIndex } from '../provenance/image/image-index.ts';
import { arms } from '../provenance/verify/arms.ts';
import { planVerification } from '../provenance/verify/plan.ts';
import {
  type DoneTraining,
  trainingCosts,
  type VerifiedItem,
  type VerifyPlan,
} from '../provenance/verify/verification.ts';
import { toldOf } from '../provenance/verify/verification-told.ts';
import { writeProvenance } from '../report/write-provenance.ts';
import { readShardFile } from '../run/compute.ts';
import { sha256, type Work } from '../run/shard.ts';
import { type DriverOptions, smallDriverOf, withDriver } from './driver-options.ts';
import { encodersAsked } from './encoders-asked.ts';
import { interruptible } from './failure.ts';
import { commandLine, list, repeated, threadsOption, wholeNumber, wordsOf } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { filled } from './outside-command.ts';
import { showProgress } from './progress.ts';
import { type ShardSession, shardedRun } from './sharded-run.ts';
import { print, printJson, tell } from './terminal.ts';
import { readInfluence } from './trace-verify-influence.ts';
import { columnValues, readItems } from './trace-verify-items.ts';
import { costsFile, drawnFile, drawnImages, traceVerifyProgram } from './trace-verify-shards.ts';
import { describePlan, describeVerification } from './trace-verify-text.ts';

interface Options extends DriverOptions {
  readonly index: string;
  readonly outside?: string;
  readonly train: string;
  readonly cost: string;
  readonly gradient?: string;
  readonly sample?: string;
  readonly arms?: string[];
  readonly leaveOut?: string;
  readonly remove: number;
  readonly fewer?: number[];
  readonly seeds: number;
  readonly madeWith: number;
  readonly caption?: string;
  readonly encoder?: string[];
  readonly out: string;
  readonly threads?: number;
  readonly plan?: boolean;
  readonly json?: boolean;
}

/** Numbers of images, separated by commas. */
const counts = (text: string, previous: readonly number[] = []): number[] => [
  ...previous,
  ...text.split(',').map((part) => wholeNumber(part.trim())),
];

export function defineTraceVerify(trace: Command): void {
  const command = trace
    .command('verify')
    .description('retrain a generator without the traced items, and see whether the items cost it more')
    .argument('<items>', 'a table with a column "image", and "prompt", "stratum", "id" where there are such')
    .requiredOption('--index <folder>', 'the index of the images that the generator was trained on')
    .requiredOption(
      '--train <command>',
      'trains: {removed} and {replaced} are JSON files of ids to leave out and to replace, {seed} a number, {model} where the model goes',
    )
    .requiredOption('--cost <command>', 'writes what each item of {items} costs {model}, as JSON to {costs}')
    .option(
      '--gradient <command>',
      'for the arm "gradient": writes how much each image of {images} counts for each item of {items}, as JSON to {scores}',
    )
    .option(
      '--sample <command>',
      'draws items again, to show beside each other what models make of the same noise: writes 0.png, 1.png, … to {images} for {items} by {model}',
    )
    .option(
      '--outside <folder>',
      'an index of images that are not in the data, whose look-alikes replace the traced items',
    )
    .option('--arms <names>', `of ${Object.keys(arms).join(', ')}`, list)
    .option(
      '--remove <count>',
      'items removed for each prompt; a column "remove" of the items goes first',
      wholeNumber,
      20,
    )
    .option(
      '--fewer <counts>',
      'also removes fewer traced items for each prompt, e.g. 5,10, to draw how the effect grows',
      counts,
    )
    .option(
      '--leave-out <column>',
      'leaves out all images of each value of a column in turn, e.g. artist, and compares shares',
    )
    .option('--seeds <count>', 'trainings of each arm', wholeNumber, 3)
    .option('--made-with <seed>', 'the seed of the model that made the items, which never judges them', Number, 0)
    .option('--caption <column>', 'the column of captions of the index; default caption, text or prompt')
    .option('--encoder <file>', 'a model that the index was made with; once for each, in its order', repeated)
    .option('--out <folder>', 'where runs are kept; the same command goes on where it was stopped', '.wherefore/runs')
    .option('--plan', 'prints what each arm would remove, and trains nothing')
    .option('--json', 'print JSON for scripts');
  withDriver(threadsOption(command, 'trainings side by side; default all processors')).action(
    (items: string, options: Options) =>
      interruptible((signal) => {
        const progress = showProgress(process.stderr, !options.json);
        const say = (text: string) => {
          progress.clear();
          if (!options.json) tell(text);
        };
        return run(items, options, { signal, command: commandLine(command), words: wordsOf(command), progress, say });
      }, 'stopped; the same command goes on'),
  );
}

async function run(path: string, options: Options, session: ShardSession): Promise<void> {
  const { leaveOut } = options;
  const wanted = options.arms ?? (leaveOut === undefined ? ['traced', 'filter'] : []);
  for (const arm of wanted) if (!Object.hasOwn(arms, arm)) throw unknownName('there is no arm', arm, Object.keys(arms));
  // What a command names is checked before long work.
  filled(options.train, { removed: '', replaced: '', seed: 0, model: '' });
  filled(options.cost, { model: '', items: '', costs: '', seed: 0 });
  if (options.sample !== undefined) filled(options.sample, { model: '', items: '', images: '', seed: 0 });
  if (options.gradient !== undefined) filled(options.gradient, { items: '', images: '', scores: '' });
  if (wanted.includes('gradient') && options.gradient === undefined)
    throw new WhereforeError('invalid-argument', 'the arm "gradient" has nothing to choose by', {
      fix: 'give a command that computes it: --gradient, or leave the arm out',
    });
  await checkWritable(options.out);
  const items = await readItems(path);
  const index = await openImageIndex(options.index);
  const calibration = await readCalibration(options.index);
  if (!calibration)
    throw new WhereforeError('invalid-data', 'the index is not calibrated', {
      where: options.index,
      fix: 'wherefore trace index DATA --out INDEX --calibrate',
    });
  const outside = options.outside === undefined ? undefined : await openImageIndex(options.outside);
  const values = leaveOut === undefined ? undefined : columnValues(index, leaveOut);
  const encoders = await openEncoders(encodersAsked(index.encoders, options.encoder));
  try {
    const influence =
      options.gradient === undefined || !wanted.includes('gradient')
        ? undefined
        : await readInfluence(options.gradient, items, index, session);
    const planned = await planVerification({
      ...{
        items,
        index,
        calibration,
        outside,
        encoders,
        arms: wanted,
        remove: options.remove,
        caption: options.caption,
        leaveOut: values,
        fewer: options.fewer,
        influence,
      },
      seeds: judges(options),
      read: async (file) => {
        const bytes = await readBytes(file, 'image');
        return { pixels: (await readImage(bytes, { name: file })).pixels, hash: hashOfFile([bytes]) };
      },
    });
    const { plan } = planned;
    if (options.plan) {
      const { membership, notes, families } = planned;
      if (options.json) printJson({ trainings: plan.trainings, membership, notes, families });
      else print(describePlan(planned));
      return;
    }
    const { trainings, key, drawn } = await train(plan, options, session);
    const found = toldOf(planned, trainings, items, { column: leaveOut, remove: options.remove });
    const told = {
      items: items.map((item) => ({
        ...item,
        image: portablePath(item.image, process.cwd()),
        file: planned.files.get(item.id) as string,
      })),
      ...{ ...found, command: session.command, key },
      ...{ remove: options.remove, seeds: judges(options), images: index.items.length, name: index.name },
      removed: Object.fromEntries(
        plan.trainings.map(({ arm, removed, replaced }) => [arm, removed.length || Object.keys(replaced).length]),
      ),
      commands: { train: options.train, cost: options.cost, gradient: options.gradient, sample: options.sample },
    };
    const folder = await writeProvenance(options.out, {
      ...{ what: 'trace verify', command: session.command, file: 'verification.json' },
      ...{
        document: { ...told, trainings },
        page: renderVerificationPage({ ...told, drawnAgain: await drawnAgain(drawn, items) }),
      },
    });
    if (options.json) printJson({ folder, ...told });
    else {
      print(describeVerification(found));
      print(`\npage: ${join(folder, 'index.html')}`);
    }
  } finally {
    await closeAll(encoders);
  }
}

/** Seeds of the trainings: not that of the model that made the items, which would judge its own. */
function judges({ seeds, madeWith }: Options): number[] {
  const found: number[] = [];
  for (let seed = 1; found.length < seeds; seed++) if (seed !== madeWith) found.push(seed);
  return found;
}

/** What was drawn again, beside the items. */
async function drawnAgain(
  drawn: ReadonlyMap<string, Readonly<Record<string, string>>>,
  items: readonly VerifiedItem[],
): Promise<DrawnAgain | undefined> {
  const [first] = drawn.values();
  if (first === undefined) return undefined;
  const rows: DrawnAgain['rows'][number][] = [];
  for (const { id, image, stratum, prompt = id } of items) {
    if (first[id] === undefined) continue;
    const { pixels } = await readImage(await readBytes(image, 'image'), { name: image });
    const own = Buffer.from(await writePng(pixels)).toString('base64');
    rows.push({ stratum, prompt, own, drawn: [...drawn.values()].map((one) => one[id]) });
  }
  return { arms: [...drawn.keys()], rows };
}

async function train(
  plan: VerifyPlan,
  options: Options,
  session: ShardSession,
): Promise<{ trainings: DoneTraining[]; key: string; drawn: ReadonlyMap<string, Record<string, string>> }> {
  const data = JSON.stringify(plan);
  const work: Work = {
    program: 'trace-verify',
    version: traceVerifyProgram.version,
    data: sha256(data),
    parameters: {
      train: options.train,
      cost: options.cost,
      ...(options.sample !== undefined && { sample: options.sample }),
    },
    seed: 0,
    count: plan.trainings.length,
    shardSize: 1,
  };
  session.say(`${plan.trainings.length} trainings; Ctrl-C stops, the same command goes on`);
  const run = await shardedRun(
    { work, data, files: [], driver: smallDriverOf(work.count, options, session.say), options, items: 'trainings' },
    session,
  );
  const trainings: DoneTraining[] = [];
  const drawn = new Map<string, Record<string, string>>();
  for (const shard of run.finished.shards) {
    const text = new TextDecoder().decode(await readShardFile(run.storage, shard, costsFile));
    for (const [i, costs] of (JSON.parse(text) as unknown[]).entries())
      trainings.push({ ...plan.trainings[shard.from + i], costs: trainingCosts.parse(costs) });
    if (options.sample === undefined) continue;
    const images = new TextDecoder().decode(await readShardFile(run.storage, shard, drawnFile));
    for (const [i, one] of (JSON.parse(images) as unknown[]).entries()) {
      const found = drawnImages.parse(one);
      if (Object.keys(found).length > 0) drawn.set(plan.trainings[shard.from + i].arm, found);
    }
  }
  return { trainings, key: run.key, drawn };
}
