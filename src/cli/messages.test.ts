import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';

const demo = (path: string) => fileURLToPath(new URL(`../../examples/demo/${path}`, import.meta.url));
const [model, image] = [demo('model/shapes.onnx'), demo('images/tree-with-mark.png')];
let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'wherefore-messages-'));
});
afterAll(() => rm(out, { recursive: true }));

const explain = (...words: string[]) => ['explain', image, '--model', model, ...words];

it.each([
  [explain('--target', 'zebra'), /no class "zebra" \(expected ("[a-z]+", ){5}"[a-z]+"\)/],
  [explain('--target', 'hous'), /no class "hous": did you mean "house"\?/],
  [explain('--target', 'probabilty:tree'), /no such kind of target: did you mean "probability:tree"\?/],
  [
    explain('--set', 'integrated-gradients.stepz=3'),
    /no parameter "stepz": did you mean "steps"\? Fix: it takes steps/,
  ],
  [explain('--set', 'nothing.x=1'), /--set nothing\.x=1: there is no method "nothing"/],
  [explain('--set', 'grad-cm.x=1'), /no method "grad-cm": did you mean "grad-cam"\?/],
  [explain('--baseline', 'blak'), /no such baseline: did you mean "black"\?/],
  [explain('--baseline', 'blr:3'), /no such baseline: did you mean "blur:3"\?/],
  [explain('--method', 'grad-cm'), /no method "grad-cm": did you mean "grad-cam"\?/],
  [explain('--method', 'lime,lax'), /Fix: add --set lax\.explainer=/],
  [explain('--layer', 'inptu'), /no layer "inptu": did you mean "input"\?/],
  [explain('--groups', 'superpixel:50'), /no such groups: did you mean "superpixels:50"\?/],
  [['evaluate', image, '--model', model, '--metric', 'insertin'], /no metric "insertin": did you mean "insertion"\?/],
  [['replay', image], /tree-with-mark\.png: this is no explanation \(got a \.png file.* expected the \.json file/],
])('%j', async (words, message) => {
  const { code, errors } = await wherefore(...words, ...(words[0] === 'explain' ? ['--out', out] : []));
  expect(errors).toMatch(message);
  expect(errors).not.toMatch(/expected[^)]*(Unrecognized|Invalid input)/);
  expect(code).toBe(1);
});

it.each([
  ['x', /the model has no input "x".*Fix: give the file alone: /],
  ['image', /a \.png file is not given under the name of an input.*\.npy.*Fix: give the file alone: /],
])('an image under the name %s', async (name, message) => {
  const words = ['gradient', model, '--target', 'scores', '--out', join(out, 'a.npz'), '--input', `${name}=${image}`];
  expect((await wherefore(...words)).errors).toMatch(message);
});
