import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

// The whole proof by retraining: the world, both generators, their items, and what costs say without what was traced.
//   npm run bench:verify -- [--out .wherefore/verify] [--kinds transformer,diffusion] [--seeds 3] [--plan] [--list]
// What is there already is not made again; a killed run goes on with the same bits.

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: '.wherefore/verify' },
    kinds: { type: 'string', default: 'transformer,diffusion' },
    arms: { type: 'string', default: 'traced,filter,global,whole,raw,regions,blocks,embedding,words,paper,gradient' },
    seeds: { type: 'string', default: '3' },
    /** Seeds of the trainings without each artist. */
    'artist-seeds': { type: 'string', default: '2' },
    scale: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    /** What each arm finds of the families, the gradients of the generator among them; no arm is trained. */
    plan: { type: 'boolean', default: false },
    /** Prints the commands instead of running them. */
    list: { type: 'boolean', default: false },
  },
});
const out = resolve(values.out);
const root = process.cwd();
const script = (name: string) => join(root, 'dist-examples/examples/generator', `${name}.js`);
const wherefore = [process.execPath, join(root, 'dist/cli/main.js'), 'trace'];

interface Step {
  /** What it leaves, below the folder of the bench; it is left out where that is there. */
  readonly makes: string;
  readonly command: readonly string[];
  /** Whether what it prints is what it leaves. */
  readonly printed?: boolean;
}

const quoted = (word: string) => (/^[\w./,:=-]+$/.test(word) ? word : `'${word}'`);

function stepsOf(kind: string): Step[] {
  const model = kind === 'diffusion' ? 'diffusion-0.onnx' : 'model-0.onnx';
  const items = kind === 'diffusion' ? 'diffusion-items' : 'items';
  const of = (name: string, ...more: string[]) => [process.execPath, script(name), '.', '--kind', kind, ...more];
  const kept = ['--kept', 'models'];
  const train = [...of('train', ...kept), '--seed', '{seed}', '--removed', '{removed}', '--replaced', '{replaced}'];
  const cost = [...of('measure'), '--model', '{model}', '--items', '{items}', '--costs', '{costs}'];
  const placed = (words: readonly string[]) =>
    words.map((word) => (word.startsWith('{') ? word : quoted(word))).join(' ');
  const verify = [
    ...[...wherefore, 'verify', `${items}/items.csv`, '--index', 'index', '--encoder', 'encoder/encoder.onnx'],
    ...['--train', placed([...train, '--out', '{model}']), '--cost', placed(cost), '--threads', values.threads],
  ];
  const sample = placed([...of('regenerate'), '--model', '{model}', '--items', '{items}', '--images', '{images}']);
  const made: Step[] = [
    { makes: model, command: of('train', ...kept, '--seed', '0', '--out', model) },
    // Diffusion shows a motif of twenty in few samples of few prompts.
    {
      makes: `${items}/items.csv`,
      command: of(
        'sample',
        '--model',
        model,
        '--out',
        items,
        '--samples',
        ...(kind === 'diffusion' ? ['128', '--captions', '4'] : ['64']),
      ),
    },
  ];
  const gradient = placed([
    ...of('gradient', '--model', model),
    ...['--items', '{items}', '--images', '{images}', '--scores', '{scores}'],
  ]);
  const everyArm = [
    '--arms',
    'traced,whole,raw,regions,blocks,embedding,words,paper,gradient,filter',
    '--gradient',
    gradient,
  ];
  if (values.plan)
    return [...made, { makes: `${kind}-plan.txt`, command: [...verify, ...everyArm, '--plan'], printed: true }];
  return [
    ...made,
    {
      makes: `${kind}-arms.txt`,
      command: [
        ...verify,
        '--outside',
        'other',
        '--arms',
        values.arms,
        '--gradient',
        gradient,
        '--sample',
        sample,
        '--seeds',
        values.seeds,
      ],
      printed: true,
    },
    {
      makes: `${kind}-artists.txt`,
      command: [...verify, '--leave-out', 'artist', '--seeds', values['artist-seeds']],
      printed: true,
    },
  ];
}

const index = (data: string, folder: string): Step => ({
  makes: `${folder}/calibration.json`,
  command: [
    ...[...wherefore, 'index', data, '--metadata', `${data}.csv`, '--out', folder, '--threads', values.threads],
    ...['--encoder', 'encoder/encoder.onnx', '--layer', 'hidden'],
  ],
});

const [first, ...rest] = values.kinds.split(',').map(stepsOf);
const transformer = stepsOf('transformer')[0];
const steps: Step[] = [
  { makes: 'world.json', command: [process.execPath, script('world'), '.', '--scale', values.scale] },
  // What images are compared by is what the transformer sees in them, whichever generator is asked.
  transformer,
  { makes: 'encoder/encoder.onnx', command: [process.execPath, script('encoder'), '.'] },
  index('train', 'index'),
  index('outside', 'other'),
  ...[first, ...rest].flat().filter(({ makes }) => makes !== transformer.makes),
];

mkdirSync(out, { recursive: true });
for (const { makes, command, printed } of steps) {
  console.log(`${existsSync(join(out, makes)) ? 'there' : 'to make'}: ${makes}\n  ${command.map(quoted).join(' ')}`);
  if (values.list || existsSync(join(out, makes))) continue;
  const began = performance.now();
  const [program, ...words] = command;
  const text = execFileSync(program, words, { cwd: out, stdio: ['ignore', printed ? 'pipe' : 'inherit', 'inherit'] });
  if (printed) {
    // Under its name only when it is whole.
    writeFileSync(join(out, `${makes}.part`), text);
    renameSync(join(out, `${makes}.part`), join(out, makes));
    console.log(text.toString());
  }
  console.log(`  ${((performance.now() - began) / 60_000).toFixed(1)} minutes`);
}
