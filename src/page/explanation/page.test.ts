import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import {
  imageExample,
  imageLayout as layout,
  makeExplained,
  makeScorecard,
  plainImage,
  row,
} from '../../../test/explained.ts';
import { random } from '../../tensor/random.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import { escapeText, html, raw } from '../html.ts';
import { howToRead, pageTitle, renderPage as renderPageAsShown } from './page.ts';

/** The page, with plain spaces where a number is kept with its unit. */
const renderPage: typeof renderPageAsShown = async (...given) =>
  (await renderPageAsShown(...given)).replaceAll('\u00a0', ' ');

const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

it('escapes all that is inserted, and nothing twice', () => {
  const name = `<img src=x onerror="alert('1')">&\u0000`;
  for (const letter of ['<', '>', '"', "'", '\u0000']) expect(escapeText(name)).not.toContain(letter);
  expect(html`<b title="${name}">${[html`<i>${1}</i>`, raw('<br>')]}${undefined}${false}</b>`.html).toBe(
    `<b title="${escapeText(name)}"><i>1</i><br></b>`,
  );
});

it('lets its own script run and nothing else', async () => {
  const page = await renderPageAsShown([imageExample()]);
  const [, script] = /<script>([\s\S]*?)<\/script>/.exec(page) as RegExpExecArray;
  const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page) as RegExpExecArray;
  expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  expect(policy).toMatch(/^default-src 'none'; /);
  expect(policy).not.toMatch(/script-src[^;]*unsafe/);
});

it('shows no name in another order than it has', async () => {
  const page = await renderPageAsShown([imageExample({ targetDescription: 'logit of class 1 "cat\u202egod\u2066"' })]);
  expect(page).toContain('cat\ufffdgod\ufffd');
  expect(page).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
});

it('has one title, its inputs, questions and explanations as headings in order', async () => {
  const page = await renderPage([
    imageExample(),
    imageExample({ methodTitle: 'LayerCAM', isCut: false, completing: ['p4'] }),
    row(),
  ]);
  const headings = [...page.matchAll(/<h([1-6])[^>]*>([\s\S]*?)<\/h\1>/g)].map(
    ([, level, text]) => `${level} ${text.replace(/<[^>]+>/g, '')}`,
  );
  expect(headings).toEqual([
    '1 Why the model says what it says of 2 inputs',
    '2 cat.png',
    '3 Logit of class 1 &#34;cat&#34;: why 4.000, rather than 1.000 as for the baseline, zero input?',
    '4 Integrated gradients (revised)',
    '4 LayerCAM',
    '2 people.csv#3',
    '3 Logit of class 1 &#34;cat&#34;: why 0.5000, rather than 1.000 as for the baseline, zero input?',
    '4 Integrated gradients (revised)',
    '2 All explanations',
  ]);
  expect(page).toContain(escapeText(howToRead));
  expect(page).toContain('bypassed; complete with p4');
});

it('shows every number and how to repeat it', async () => {
  const page = await renderPage([
    imageExample({
      relativeError: 0.031,
      error: 0.093,
      converged: false,
      command: 'wherefore explain cat.png --model model.onnx',
      notes: ['the image was turned'],
      gradientNotes: [
        { code: 'straight-through', node: 'q', operator: 'QuantizeLinear', text: 'rounding is passed through' },
      ],
      prediction: {
        output: 'y',
        kind: 'probability',
        top: [
          { index: 1, label: 'cat', value: 0.9 },
          { index: 0, value: 0.1 },
        ],
      },
    }),
  ]);
  for (const text of [
    'does not add up: error 3.1 %, gradients pass through rounding',
    'wherefore explain cat.png --model model.onnx',
    'the image was turned',
    'rounding is passed through',
    '90.0 %',
    'class 0',
    'SHA-256 aa11',
    '50 forward and 50 backward passes',
    '0.0930',
    'Contribution per 1 % of the view, on a grid of 2 × 2',
  ]) {
    expect(page).toContain(text);
  }
});

it('tells in words what a map shows', async () => {
  const input = float32([1, 1, 6, 6], new Float32Array(36));
  const map = float32([1, 1, 3, 3], [0, -2, 0, 0, 0, 0, 1, 0, 4]);
  const page = await renderPage([makeExplained({ input, attribution: map, layer: 'conv', layout })]);
  expect(page).toContain(
    'alt="Heat map of Integrated gradients (revised) at conv: strongest for the target in the bottom right (+4.0), strongest against it in the top centre (−2.0)."',
  );
  for (const [tag] of page.matchAll(/<img[^>]*>/g)) expect(tag).toContain(' alt="');
});

it('is safe with names that are markup', async () => {
  const bad = '</style><script>alert(1)</script>"\'';
  const one = imageExample({
    methodTitle: bad,
    targetDescription: bad,
    baselineDescription: bad,
    notes: [bad],
    command: bad,
    layer: ['conv'],
    prediction: { output: bad, kind: bad, top: [{ index: 1, label: bad, value: 1 }] },
  });
  const table = makeExplained({ attribution: float32([1, 2], [1, 2]), names: [bad, 'b'], texts: [bad, 'c'] });
  const tokens = makeExplained({
    input: int64([1, 2], [1, 2]),
    attribution: float32([1, 2, 1], [1, 2]),
    layer: 'e',
    names: [bad, 'b'],
    texts: [bad, 'c'],
  });
  for (const { document } of [one, table, tokens]) {
    Object.assign(document.input, { source: bad });
    Object.assign(document.model, { name: bad, producer: bad });
  }
  const page = await renderPage([one, table, tokens], {
    title: bad,
    introduction: bad,
    sections: [{ title: bad, text: bad, items: [0] }],
  });
  expect(count(page, /<script/g)).toBe(1);
  expect(count(page, /<\/style>/g)).toBe(1);
  expect(page).not.toContain('alert(1)</script>');
});

it('draws the way from f(x₀) to f(x) for features, and what is missing', async () => {
  const [, table] = /<table class="bars">([\s\S]*?)<\/table>/.exec(await renderPage([row()])) ?? [];
  const rows = [...table.matchAll(/<tr class="(\w+)"><th scope="row">([^<]*)/g)].map(
    ([, kind, name]) => `${kind} ${name}`,
  );
  expect(rows).toEqual(['total f(x₀)', 'share pay', 'share age', 'share hours', 'total f(x)']);
  // From 1 by −2, +1, +0.5: the axis runs from −1 to 1, padded by 2 %.
  expect(
    [...table.matchAll(/left:([\d.]+)%;width:([\d.]+)%/g)].map(([, left, width]) => [Number(left), Number(width)]),
  ).toEqual([
    [98, 0.4],
    [2, 96],
    [2, 48],
    [50, 24],
    [74, 0.4],
  ]);
  const short = row();
  const page = await renderPage([
    { ...short, document: { ...short.document, value: 3.5, attributionTarget: 2.5, relativeError: 1.2, error: 3 } },
  ]);
  expect(page).toContain('not accounted for');
});

it('puts explanations into the sections asked for, the rest behind', async () => {
  const page = await renderPage([imageExample(), row(), row()], {
    sections: [{ title: 'Rows', text: 'One.\n\nTwo.', items: [1] }],
  });
  expect(page.indexOf('id="e1"')).toBeLessThan(page.indexOf('id="e0"'));
  expect(page).toContain('<p>One.</p>');
  expect(page).toContain('Other explanations');
});

it('holds twelve explanations of 224 × 224 in less than 3 MB, without a request', async () => {
  const noise = random(7);
  const values = () =>
    float32(
      [1, 1, 224, 224],
      Float32Array.from({ length: 224 * 224 }, () => noise.normal()),
    );
  const input = values();
  const image = plainImage(224, 224);
  image.data.forEach((_, i) => {
    image.data[i] = Math.floor(256 * noise.uniform());
  });
  const all = Array.from({ length: 12 }, () =>
    makeExplained({
      input,
      attribution: values(),
      layout,
      image,
      transform: { source: [224, 224], grid: [224, 224], scale: [1, 1], offset: [0, 0] },
    }),
  );
  const page = await renderPage(all);
  expect(page.length).toBeLessThan(3e6);
  expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
  expect(page).not.toMatch(/url\((?!data:)/);
}, 30_000);

it('names a page after its model and what it said', () => {
  expect(
    pageTitle([
      imageExample({ prediction: { output: 'y', kind: 'probability', top: [{ index: 1, label: 'cat', value: 1 }] } }),
    ]),
  ).toBe('Why the model says “cat” of cat.png');
  expect(pageTitle([imageExample()])).toBe('Why the model says this of cat.png');
  const named = { name: 'squeezenet.onnx', hash: '', producer: '' };
  expect(pageTitle([imageExample({ model: named })])).toBe('Why squeezenet says this of cat.png');
  const top = [
    { index: 2, label: 'dog', value: 0.6 },
    { index: 1, label: 'cat', value: 0.4 },
  ];
  // Class 1 is explained, but the model says class 2.
  expect(pageTitle([imageExample({ prediction: { output: 'y', kind: 'probability', top } })])).toBe(
    'Attribution of “cat” in cat.png by the model',
  );
  const found = (index: number) =>
    imageExample({
      prediction: { output: 'y', kind: 'detection', top },
      target: { kind: 'detectionScore', anchor: index, class: index },
    });
  expect(pageTitle([found(1), found(2)])).toBe('Why the model finds “cat” and “dog” in cat.png');
  expect(
    pageTitle([
      imageExample({ target: { kind: 'similarity', to: [1, 0], description: 'folder/other.png' }, value: 0.9 }),
    ]),
  ).toBe('Why the model finds cat.png like other.png');
});

const text = (page: string) => page.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

it('answers first: what was said, why, and how far to trust it', async () => {
  const [, answer] = /<p class="answer">([\s\S]*?)<\/p>/.exec(await renderPage([row()])) ?? [];
  expect(text(answer)).toBe(
    ' The logit of “cat” is 0.5000, instead of 1.000 for the baseline (zero input). Pay: 7 (−2.00) lowered it most; age: 39 (+1.00) and hours: 40 (+0.500) raised it most. The shares account for 100 % of the difference. ',
  );
  const many = await renderPage([imageExample({ relativeError: 0.4 }), imageExample({ methodTitle: 'B' }), row()]);
  // One for each input, of the method that adds up.
  expect(count(many, /class="answer"/g)).toBe(2);
  expect(many).toContain('B: the shares account for 100 % of the difference.');
  expect(await renderPage([row()], { introduction: 'Own words.' })).not.toContain('class="answer"');
});

it('shows scorecards on the cards and side by side, the best score marked', async () => {
  const better = makeScorecard();
  const worse = makeScorecard({
    entries: better.entries.map((entry) => ({
      ...entry,
      score: entry.score + (entry.direction === 'higher' ? -0.3 : 0.3),
    })),
    warning: 'the reference <shows> it',
  });
  const page = await renderPage([
    imageExample({ scorecard: worse, methodTitle: 'A' }),
    imageExample({ scorecard: better, methodTitle: 'B' }),
  ]);
  expect(count(page, /class="scorecard"/g)).toBe(2);
  expect(page).toContain('the reference &#60;shows&#62; it');
  const [, table] = /<table class="score-table">([\s\S]*?)<\/table>/.exec(page) ?? [];
  const rows = [...table.matchAll(/<tr><th scope="row">(.*?)<\/tr>/gs)].map(([, cells]) =>
    [...cells.matchAll(/<td class="number( best)?"><b>(.*?)<\/b>/g)].map(([, best, score]) => `${score}${best ?? ''}`),
  );
  expect(rows).toEqual([
    ['32.0 %', '2.0 % best'],
    ['0.100', '0.400 best'],
    ['0.400', '0.100 best'],
  ]);
  // The deletion score of .1 lies at nine tenths of the way to the best, 0.
  expect(page).toContain('<span class="point" style="left:90.0%"></span>');
  const alone = await renderPage([imageExample({ scorecard: better })]);
  expect(alone).toContain('<details class="scorecard" open>');
  expect(alone).not.toContain('class="score-table"');
});

it('draws a mask as a mask: no sum, no error, a scale from 0 to 1', async () => {
  const input = float32([1, 1, 4, 4], new Float32Array(16));
  const mask = float32([1, 1, 4, 4], [...new Array(12).fill(0), 1, 1, 1, 1]);
  const page = await renderPage([
    makeExplained({
      input,
      attribution: mask,
      layout,
      document: {
        method: 'lax',
        methodTitle: 'LAX',
        chosen: { threshold: 0.5, area: 0.25 },
        relativeError: 9,
        implicitBaseline: 'others',
      },
    }),
  ]);
  expect(page).toContain('25.0 % of the image is marked');
  expect(page).toContain('class="scale mask"');
  expect(page).not.toContain('does not add up');
  expect(page).not.toContain('<dt>ΣA</dt>');
});

it('outlines detections where the grid lies over the image', async () => {
  const input = float32([1, 1, 4, 4], new Float32Array(16));
  // The grid is half as fine as the image and begins 10 pixels to the left of it: x = (grid + 5) · 2.
  const page = await renderPage([
    makeExplained({
      input,
      attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]),
      layer: 'conv',
      layout,
      image: plainImage(20, 30),
      transform: { source: [20, 30], grid: [4, 4], scale: [0.5, 0.5], offset: [0, -5] },
      document: { box: [1, 2, 3, 4], target: { kind: 'detectionScore', anchor: 7, class: 2 } },
    }),
  ]);
  expect(page).toContain('<rect class="" x="12.0" y="4.0" width="4.0" height="4.0"/>');
  // Its name stands beside the map, not on it.
  expect(page).toContain('White box: explained.');
});

it('folds the single baselines of a sweep away', async () => {
  const page = await renderPage([
    imageExample(),
    imageExample({ baseline: { kind: 'mean' }, baselineDescription: 'mean of the input' }),
  ]);
  expect(page.indexOf('class="sweep"')).toBeLessThan(page.indexOf('Each baseline in detail'));
  expect(count(page, /class="card"/g)).toBe(2);
});

it('says of one method at several layers that T is the same, and where the error is largest', async () => {
  const at = (layer: string, relativeError: number) => imageExample({ layer: [layer], relativeError });
  const page = await renderPage([at('early', 0.002), at('middle', 0.0098), at('late', 0)]);
  expect(page).toContain('One question at 3 layers: the difference T is the same at each');
  expect(page).toContain('with an error of at most 0.98 %');
  expect(await renderPage([at('early', 0.4), at('late', 0)])).toContain(
    'The error is smallest at late (0 %) and largest at early (40.0 %)',
  );
  const methods = [at('early', 0), { ...at('late', 0), document: { ...at('late', 0).document, method: 'taylor-1' } }];
  expect(await renderPage(methods)).not.toContain('One question at');
});

it('says once, above the table of all explanations, what is the same for them', async () => {
  const summary = (page: string) => page.slice(page.indexOf('id="summary"'));
  const one = summary(
    await renderPage([imageExample(), imageExample({ method: 'layer-cam', methodTitle: 'LayerCAM' })]),
  );
  expect(one).toContain(
    'The same for all: input cat.png; target logit of class 1 &#34;cat&#34;; baseline zero input; layer conv.',
  );
  expect([...one.matchAll(/<th scope="col"[^>]*>([^<]+)</g)].map(([, title]) => title)).toEqual([
    'method',
    'T',
    'ΣA',
    'E',
    'E / |T|',
  ]);
  const two = summary(await renderPage([imageExample(), row()]));
  expect(two).toContain('The same for all: target logit of class 1');
  expect(two).toContain('<a href="#e1">x</a>');
  const others = imageExample({
    method: 'layer-cam',
    methodTitle: 'LayerCAM',
    targetDescription: 'logit of class 2 "dog"',
    baselineDescription: 'mean of the input',
    layer: ['other'],
  });
  expect(summary(await renderPage([imageExample(), others]))).toContain('The same for all: input cat.png.');
});
