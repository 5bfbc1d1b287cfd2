import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { writePng } from '../data/formats/image.ts';
import { random } from '../tensor/random.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-trace-images-'));
const at = (name: string) => join(folder, name);
const side = 48;
/** Each training is two processes, which takes minutes on a busy machine. */
const patience = { timeout: 300_000 };

/** Squares on a ground of one colour; images of a family differ in where one square lies. */
function drawn(family: number, member: number): Tensor<'uint8'> {
  const [shared, own] = [random(3, family), random(4, 100 * family + member)];
  const data = new Uint8Array(side * side * 3);
  const square = (source: typeof own, size: number) => {
    const rgb = [source.integer(256), source.integer(256), source.integer(256)];
    const [top, left] = [source.integer(side - 8), source.integer(side - 8)];
    for (let y = top; y < Math.min(side, top + size); y++)
      for (let x = left; x < Math.min(side, left + size); x++) data.set(rgb, (y * side + x) * 3);
  };
  for (let i = 0; i < data.length; i += 3) data.set([90 + 30 * family, 120, 200 - 30 * family], i);
  for (let k = 0; k < 5; k++) square(shared, 10 + 2 * k);
  square(own, 9);
  return tensor('uint8', [side, side, 3], data);
}

const names = Array.from({ length: 24 }, (_, i) => `f${Math.floor(i / 6)}-${i % 6}.png`);
/** A name that would end an element and run a script, were it not escaped. */
const hostile = '"><script>alert(1)</script>';
const index = ['--index', at('index')];

beforeAll(async () => {
  mkdirSync(at('images'));
  for (const [i, name] of names.entries())
    writeFileSync(join(at('images'), name), await writePng(drawn(Math.floor(i / 6), i % 6)));
  const rows = names.map(
    (name, i) => `${name},"family ${name[1]}",${i % 2 ? 'free' : `"${hostile.replaceAll('"', '""')}"`}`,
  );
  writeFileSync(at('about.csv'), ['file,caption,licence', ...rows].join('\n'));
  writeFileSync(at(`${hostile.replaceAll('/', '∕')}.png`), await writePng(drawn(1, 3)));
  writeFileSync(at('unrelated.png'), await writePng(drawn(9, 1)));
  writeFileSync(at('passage.txt'), 'no image');
  mkdirSync(at('broken'));
  writeFileSync(at('broken/bad.png'), 'no image');
  const manifest = { format: 'wherefore/image-index', version: 2, name: 'x', encoders: [] };
  const segments = [{ folder: '0123456789abcdef', items: 1, removed: [] }];
  for (const [name, content] of [
    ['damaged', { ...manifest, segments: [{ folder: '../../etc', items: 1, removed: [] }] }],
    ['gone', { ...manifest, segments }],
    ['old', { ...manifest, version: 1, segments }],
  ] as const) {
    mkdirSync(at(name));
    writeFileSync(at(`${name}/index.json`), JSON.stringify(content));
  }
  const made = await wherefore(
    ...['trace', 'index', at('images'), '--metadata', at('about.csv'), '--weights', 'equal'],
    ...['--out', at('index'), '--threads', '1'],
  );
  expect(made.errors).not.toMatch(/error/);
  expect(made.output).toMatch(/24 images added, 0 replaced, 0 there already.*holds 24/);
  expect(made.output).toMatch(/calibrated on 24 images.*all signals weigh alike/);
  cpSync(at('index'), at('earlier'), { recursive: true });
  const calibration = JSON.parse(readFileSync(at('earlier/calibration.json'), 'utf8'));
  writeFileSync(at('earlier/calibration.json'), JSON.stringify({ ...calibration, version: 2 }));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('trace of an image', patience, () => {
  it('says whether it is in the data, and shows hostile names as text', async () => {
    const { code, output } = await wherefore(
      ...['trace', at(`${hostile.replaceAll('/', '∕')}.png`), ...index, '--out', at('runs')],
      ...['--prompt', `family 1 ${hostile}`, '--group', 'licence', '--preset', 'paper'],
    );
    expect(code).toBe(0);
    expect(output).toMatch(/membership: In the data: the same image is f1-3\.png/);
    expect(output).toMatch(/only retraining can say/);
    // The same image is the nearest by any weights: no error, cosine and structural similarity 1.
    expect(output).toMatch(/fixed weights of arXiv 2504\.01771.*f1-3\.png .*distance -2\.00, squared 0\.0/s);
    const [run] = readdirSync(at('runs'));
    expect(readdirSync(join(at('runs'), run)).sort()).toEqual(['index.html', 'run.json', 'trace.json']);
    const page = readFileSync(join(at('runs'), run, 'index.html'), 'utf8');
    expect(page).not.toContain('<script>alert');
    expect(page).toContain('&#34;&#62;&#60;script&#62;alert(1)');
    expect(page).toContain('In the data: the same image is f1-3.png.');
    expect(page.match(/data:image/g)?.length).toBeGreaterThan(4);
  });

  it('adds only what is new, and forgets what is removed', async () => {
    const again = await wherefore('trace', 'index', at('images'), '--metadata', at('about.csv'), '--out', at('index'));
    expect(again.output).toMatch(/0 images added, 0 replaced, 24 there already/);
    expect(again.output).not.toMatch(/calibrated/);
    const removed = await wherefore('trace', 'index', '--remove', 'f1-3.png', '--out', at('index'));
    expect(removed.output).toMatch(/removed 1 images/);
    const words = ['trace', join(at('images'), 'f1-3.png'), ...index, '--out', at('json'), '--json'];
    const { membership, statements, images } = JSON.parse((await wherefore(...words)).output);
    expect([membership.same, images]).toEqual([[], 23]);
    expect(statements.membership).toMatch(/^Not in the data/);
    const back = await wherefore('trace', 'index', at('images'), '--metadata', at('about.csv'), '--out', at('index'));
    expect(back.output).toMatch(/1 images added, 0 replaced, 23 there already/);
  });

  it.each<[string, string[], RegExp]>([
    ['an image that is not there', ['no.png', ...index], /no such image/],
    ['a text in an index of images', [at('passage.txt'), ...index], /cannot be read as an image/],
    ['a column that is not there', [at('unrelated.png'), ...index, '--group', 'artist'], /no column "artist"/],
    [
      'captions that are not there',
      [at('unrelated.png'), ...index, '--prompt', 'x', '--caption', 'title'],
      /holds captions.*"?title/,
    ],
    [
      'an encoder that the index lacks',
      [at('unrelated.png'), ...index, '--encoder', 'm.onnx'],
      /none: the index has none/,
    ],
    ['texts into an index of images', ['index', at('passage.txt'), '--out', at('index')], /the index is one of images/],
    [
      'a layer without an encoder',
      ['index', at('images'), '--metadata', at('about.csv'), '--layer', 'x', '--out', at('index')],
      /more layers than encoders/,
    ],
    ['an unknown item', ['index', '--remove', 'g.png', '--out', at('index')], /no item "g\.png"/],
    [
      'metadata of other files',
      ['index', at('images'), '--metadata', at('passage.txt'), '--out', at('new')],
      /passage\.txt/,
    ],
    [
      'a broken image among the data',
      ['index', at('broken'), '--out', at('new')],
      /bad\.png.*cannot be read as an image|cannot be read as an image.*bad\.png/s,
    ],
    ['a seed that is no number of images', [at('unrelated.png'), ...index, '--most', '0'], /--most/],
    [
      'weights that are not known',
      ['index', at('images'), '--weights', 'paper', '--out', at('new')],
      /Allowed choices are fitted, equal/,
    ],
    ['a preset without a prompt', [at('unrelated.png'), ...index, '--preset', 'paper'], /--prompt/],
    ['a preset that is not known', [at('unrelated.png'), ...index, '--preset', 'papr'], /Allowed choices are paper/],
    [
      'an index of an earlier version',
      [at('unrelated.png'), '--index', at('old')],
      /the index is damaged.*make it anew/s,
    ],
    [
      'a calibration of an earlier version',
      [at('unrelated.png'), '--index', at('earlier')],
      /got version 2.*--calibrate/s,
    ],
    ['an index that is damaged', [at('unrelated.png'), '--index', at('damaged')], /the index is damaged/],
    ['a segment that is gone', [at('unrelated.png'), '--index', at('gone')], /items\.json.*no such file/s],
    ['a report without an index', ['report', '--index', at('nowhere')], /no such file/],
    ['a list that is not there', ['report', ...index, '--do-not-train', at('no.txt')], /there is no such list/],
    [
      'verify of items without images',
      ['verify', at('about.csv'), ...index, '--train', 'true {model}', '--cost', 'true'],
      /no column "image"/,
    ],
    [
      'verify with no seeds',
      ['verify', at('about.csv'), ...index, '--train', 'true', '--cost', 'true', '--seeds', '0'],
      /--seeds/,
    ],
    ['verify without commands', ['verify', at('items.csv'), ...index], /--train/],
  ])('refuses %s in one message', async (_, words, message) => {
    const { code, errors } = await wherefore('trace', ...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
    expect(errors.match(/^error: /gm)).toHaveLength(1);
  });
});

/** A generator whose model is the list of what it was not trained on; an item costs 1 more for each left-out relative. */
const trainer = `const fs = require('fs');
const [what, a, b, c] = process.argv.slice(2);
if (what === 'train') fs.writeFileSync(c, JSON.stringify({ removed: JSON.parse(fs.readFileSync(a)), seed: Number(b) }));
else if (what === 'draw') {
  fs.mkdirSync(c);
  JSON.parse(fs.readFileSync(b)).forEach(({ image }, i) => fs.copyFileSync(image, c + '/' + i + '.png'));
} else {
  const { removed, seed } = JSON.parse(fs.readFileSync(a));
  const items = JSON.parse(fs.readFileSync(b));
  const cost = ({ id }) => 5 + seed / 100 + removed.filter((other) => other[1] === id[1]).length;
  fs.writeFileSync(c, JSON.stringify(Object.fromEntries(items.map((item) => [item.id, cost(item)]))));
}
`;

describe('trace verify', patience, () => {
  const verify = (...words: string[]) =>
    wherefore(
      ...['trace', 'verify', at('items.csv'), ...index, '--remove', '5', '--seeds', '2', '--threads', '1'],
      ...[
        '--arms',
        'traced,global',
        '--out',
        at('verified'),
        '--train',
        `node ${at('g.cjs')} train {removed} {seed} {model}`,
      ],
      ...words,
    );
  it('refuses a question that has no ranking in one message', async () => {
    writeFileSync(at('asked.csv'), 'image,question\nunrelated.png,blok\n');
    const words = ['trace', 'verify', at('asked.csv'), ...index, '--train', 'true', '--cost', 'true'];
    const { code, errors } = await wherefore(...words);
    expect(code).toBe(1);
    expect(errors).toMatch(/^error: .*column "question" names no ranking.*did you mean "block"/s);
  });

  const cost = ['--cost', `node ${at('g.cjs')} cost {model} {items} {costs}`];

  beforeAll(async () => {
    writeFileSync(at('g.cjs'), trainer);
    const rows = [0, 1, 2, 3].map((f) => `images/f${f}-5.png,family ${f},f${f}x,motif,family ${f}`);
    writeFileSync(
      at('items.csv'),
      ['image,prompt,id,stratum,family', ...rows, 'unrelated.png,family 9,z9,unrelated,'].join('\n'),
    );
  });

  it('shows an effect where relatives are removed, none where others are, and goes on where it was', async () => {
    const { code, output, errors } = await verify(...cost, '--json');
    expect([code, errors.match(/error/)]).toEqual([0, null]);
    const told = JSON.parse(output);
    const effect = (arm: string, against?: string) =>
      told.contrasts.find((one: { arm: string; against?: string }) => one.arm === arm && one.against === against)
        .effects.whole;
    // Five relatives of each item, itself among them, are removed by tracing; each costs it 1.
    expect(effect('traced').motif.mean).toBeGreaterThan(3);
    expect(effect('traced', 'global').motif.low).toBeGreaterThan(0);
    expect(effect('traced').unrelated.mean).toBeCloseTo(0, 9);
    // Another seed costs .01 more or less.
    expect(Math.abs(effect('reseeded').motif.mean)).toBeLessThan(0.011);
    expect(told.verdict.specificity).toMatch(/^Not asked/);
    expect(told.membership[0]).toBe('4 items in the data');
    const again = await verify(...cost);
    expect(again.output).toMatch(/traced − global/);
    const page = readFileSync(join(again.output.match(/page: (.*)/)?.[1] ?? ''), 'utf8');
    expect(page).toContain('Does it go away when they are removed?');
    // What could be typed again stands there whole.
    expect(page).toMatch(/wherefore trace verify .*--remove 5 --seeds 2/);
  });

  it('replaces by look-alikes, leaves out each value of a column, and is shown on the page of an item', async () => {
    const more = [
      ...['--outside', at('index'), '--leave-out', 'caption', '--arms', 'traced', '--seeds', '1', '--fewer', '2'],
      ...['--sample', `node ${at('g.cjs')} draw {model} {items} {images}`],
    ];
    const { code, output, errors } = await verify(...cost, ...more, '--json');
    expect([code, errors.match(/error/)]).toEqual([0, null]);
    const told = JSON.parse(output);
    // Three prompts of the motif and one unrelated, each beside what five models make of it: full data, traced, fewer, global, swap.
    const proof = readFileSync(join(told.folder, 'index.html'), 'utf8');
    expect(proof).toContain('Drawn again');
    expect(proof.match(/<img src="data:image\/png/g)).toHaveLength(4 * 6);
    // The stand-in of a generator does not look at what is replaced: a swap changes nothing.
    expect(told.verdict.specificity).toContain('motif: items like these, not these items');
    // Each family has six images, and six are asked for.
    expect(told.families).toContainEqual({ arm: 'traced', shares: { motif: 1 } });
    // Two relatives are removed, then five.
    const grown = told.growth.map(({ removed, effects }: { removed: number; effects: { motif: { mean: number } } }) => [
      removed,
      effects.motif.mean,
    ]);
    expect(grown).toEqual([
      [2, 2],
      [5, 5],
    ]);
    // Its costs say nothing of single images, so members cannot be told from look-alikes.
    expect(told.tests).toMatchObject([{ stratum: 'motif', own: { mean: 0.5 }, against: { mean: 0.5 } }]);
    // Each family that is left out costs its own item most; the unrelated one, none.
    expect(told.leftOut.contrasts.map(({ arm }: { arm: string }) => arm)).toEqual(
      [0, 1, 2, 3].map((f) => `without family ${f}`),
    );
    const whole = told.leftOut.agreement.find(({ method }: { method: string }) => method.startsWith('whole image'));
    expect(whole.first.mean).toBeGreaterThanOrEqual(0.8);
    const traced = (name: string) =>
      wherefore('trace', join(at('images'), name), ...index, '--out', at('runs'), '--verified', told.folder);
    const { output: found } = await traced('f0-5.png');
    expect(found).toMatch(/influence: .*the 4 items of its kind \(motif, 4 prompts, 1 seed\)/);
    const page = readFileSync(join(found.match(/page: (.*)/)?.[1] ?? '', ''), 'utf8');
    expect(page).toContain('verification.json of the retraining');
    expect(page).toContain(told.key);
    expect((await traced('f0-4.png')).errors).toMatch(/the verification was about other items/);
    expect(
      (await wherefore('trace', join(at('images'), 'f0-5.png'), ...index, '--verified', at('runs'))).errors,
    ).toMatch(/verification\.json.*no such file/s);
  });

  it('removes what gradients of the generator find, as a command says', async () => {
    // Every image counts by the number of its family, whatever the item.
    writeFileSync(
      at('gradient.cjs'),
      `const fs = require('fs');
const [items, images, scores] = process.argv.slice(2);
const read = (path) => JSON.parse(fs.readFileSync(path));
const own = Object.fromEntries(read(images).map(({ id }) => [id, Number(id[1])]));
fs.writeFileSync(scores, JSON.stringify(Object.fromEntries(read(items).map(({ id }) => [id, own]))));`,
    );
    const gradient = ['--arms', 'gradient,paper', '--gradient', `node ${at('gradient.cjs')} {items} {images} {scores}`];
    const { output } = await verify(...cost, ...gradient, '--seeds', '1', '--json');
    const { contrasts, families } = JSON.parse(output);
    // Family 3 is removed for all four items: only its own one costs more, by 5.
    expect(contrasts.find(({ arm }: { arm: string }) => arm === 'gradient').effects.whole.motif.mean).toBeCloseTo(
      5 / 4,
    );
    expect(families).toContainEqual({ arm: 'gradient', shares: { motif: 0.25 } });
    expect(families).toContainEqual({ arm: 'paper', shares: { motif: 1 } });
    const { output: planned } = await verify(...cost, ...gradient, '--plan');
    expect(planned).toMatch(/^10 trainings\n.*gradient: 5 of 24 images are removed/s);
    const silent = await verify(...cost, '--arms', 'gradient', '--gradient', `echo '{}' > {scores}`);
    expect(silent.errors).toMatch(
      /error: .*did not say how much every image counts.*nothing of "f0-0\.png" for "f0x"/s,
    );
  });

  it.each<[string, string[], RegExp]>([
    ['gradients without a command', [...cost, '--arms', 'gradient'], /give a command that computes it: --gradient/],
    ['gradients with an unknown placeholder', [...cost, '--gradient', 'x {score}'], /names "\{score\}"/],
    ['gradients that are no JSON', [...cost, '--arms', 'gradient', '--gradient', 'echo x > {scores}'], /is not JSON/],
    ['a column that cannot be left out', [...cost, '--leave-out', 'artist'], /no column "artist"/],
    ['an encoder that the index lacks', [...cost, '--encoder', 'm.onnx'], /none: the index has none/],
    ['drawings that are missing', [...cost, '--sample', 'true'], /did not draw every item.*no 0\.png/s],
    ['a drawing with an unknown placeholder', [...cost, '--sample', 'x {image}'], /names "\{image\}"/],
    ['an unknown arm', [...cost, '--arms', 'taced'], /no arm "taced": did you mean "traced"/],
    ['a placeholder that is not known', ['--cost', 'x {modle}'], /names "\{modle\}"/],
    [
      'a command that fails',
      ['--cost', 'node -e "console.error(\'no memory\');process.exit(3)"'],
      /exit code 3: no memory/,
    ],
    ['a command that says nothing', ['--cost', 'true'], /wrote no file \{costs\}/],
  ])('refuses %s in one message', async (_, words, message) => {
    const { code, errors } = await verify(...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
    expect(errors.match(/^error: /gm)).toHaveLength(1);
  });
});

describe('trace report', patience, () => {
  it('counts copies, what a generator memorised, and what must not be there', async () => {
    mkdirSync(at('generated'));
    // Two that are images of the data but for noise, and two that are not.
    for (const [k, image] of [drawn(0, 1), drawn(2, 2), drawn(7, 1), drawn(8, 1)].entries()) {
      const noisy = tensor(
        'uint8',
        image.shape,
        image.data.map((value, i) => Math.min(255, value + (i % 2))),
      );
      writeFileSync(join(at('generated'), `g${k}.png`), await writePng(noisy));
    }
    const words = ['trace', 'report', ...index, '--generated', at('generated'), '--do-not-train', at('generated')];
    const { output } = await wherefore(...words, '--out', at('reports'), '--json');
    const { copies, memorisation, forbidden, folder: written } = JSON.parse(output);
    expect(copies).toEqual([]);
    expect(memorisation.items.map(({ memorised }: { memorised: boolean }) => memorised)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(memorisation.items[0].id).toBe('f0-1.png');
    expect(memorisation.share).toMatchObject({ mean: 0.5, count: 4 });
    expect(forbidden.map(({ found, ids }: { found: string; ids: string[] }) => [found, ids[0]])).toEqual([
      ['near', 'f0-1.png'],
      ['near', 'f2-2.png'],
      ['clear', undefined],
      ['clear', undefined],
    ]);
    expect(readFileSync(join(written, 'index.html'), 'utf8')).toContain('2 of 4 are in the data, whole or in part.');
    writeFileSync(at('hashes.txt'), `${'0'.repeat(64)}\n`);
    const hashes = await wherefore(
      'trace',
      'report',
      ...index,
      '--do-not-train',
      at('hashes.txt'),
      '--out',
      at('reports'),
    );
    expect(hashes.output).toMatch(/of 1, 0 are in the data, 0 as near copies, 0 in part, 1 not found/);
    const wrong = await wherefore('trace', 'report', ...index, '--do-not-train', at('passage.txt'));
    expect(wrong.errors).toMatch(/line 1.*no image.*64 hexadecimal digits/s);
  });
});
