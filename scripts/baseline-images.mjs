// Draws the images of docs/baseline.md: `npm run docs:baseline`. Prints the numbers that stand beside them.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

/** @param {string} path a module of the build, which need not exist where this file is only checked */
const built = (path) => import(new URL(`../dist-modules/${path}.js`, import.meta.url).href);
const { rankAgreement, shownValues } = await built('attribution/sweep');
const { loadModel, writeAtomically } = await built('data/index');
const { explain } = await built('explain/explain');
const { figuresOf } = await built('page/figures');
const { heatMapPng } = await built('report/heat-map-png');
const { numberText } = await built('page/number-text');
const { colourBaseline } = await built('explain/default-baseline');

const [examples = 'examples/demo', out = 'docs/images'] = process.argv.slice(2);
const image = join(examples, 'images', 'fish-with-mark.png');

/** @type {Record<string, unknown>} */
const baselines = {
  black: (/** @type {unknown} */ input) => colourBaseline(input, [0, 0, 0], 'black image'),
  white: (/** @type {unknown} */ input) => colourBaseline(input, [255, 255, 255], 'white image'),
  mean: { kind: 'mean' },
  blur: { kind: 'blur', sigma: 8 },
};

const model = await loadModel(join(examples, 'model', 'shapes.onnx'));
const explained = await explain(model, image, { baseline: Object.values(baselines) });
await model.close();
await mkdir(out, { recursive: true });
const figures = await figuresOf(explained);
const names = Object.keys(baselines);
for (const [i, one] of explained.entries()) {
  const figure = figures[i];
  const png = await heatMapPng(one, figure.kind === 'map' ? { figure } : {});
  // A palette makes a third of it; the documentation shows it small.
  const small = await sharp(png).resize({ width: 360 }).png({ palette: true, colours: 128 }).toBuffer();
  await writeAtomically(join(out, `baseline-${names[i]}.png`), small);
  const { document } = one;
  process.stdout.write(
    `${names[i]}: f(x) ${numberText(document.value)}, f(x0) ${numberText(document.baselineValue)}, T ${numberText(document.attributionTarget)}, sum ${numberText(document.sum)}, E ${numberText(document.error, 2)}\n`,
  );
}
const maps = explained.map((/** @type {any} */ { document, tensors }) =>
  shownValues(new Map([['image', tensors.get(document.attribution.image.key)]]), document.input.layout),
);
for (const row of rankAgreement(maps))
  process.stdout.write(`${row.map((/** @type {number | undefined} */ value) => value?.toFixed(2)).join(' ')}\n`);
