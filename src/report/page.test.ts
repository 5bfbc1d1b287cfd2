import { expect, it } from 'vitest';
import { makeExplained, plainPicture } from '../../test/explained.ts';
import { random } from '../tensor/random.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import type { ExplanationDocument } from './document.ts';
import type { Explained } from './explained.ts';
import { escapeText, html, raw } from './html.ts';
import { howToRead, pageTitle, renderPage } from './page.ts';

const layout = { channelAxis: 1, spatialAxes: [2, 3] };

function pictured(document: Partial<ExplanationDocument> = {}): Explained {
  const input = float32(
    [1, 1, 4, 4],
    Float32Array.from({ length: 16 }, (_, i) => i),
  );
  return makeExplained({ input, attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]), layer: 'conv', layout, document });
}

function row(): Explained {
  const one = makeExplained({
    attribution: float32([1, 3], [1, -2, 0.5]),
    names: ['age', 'pay', 'hours'],
    texts: ['39', '7', '40'],
  });
  return { ...one, document: { ...one.document, input: { ...one.document.input, source: 'people.csv#3' } } };
}

const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

it('escapes all that is inserted, and nothing twice', () => {
  const name = `<img src=x onerror="alert('1')">&\u0000`;
  for (const letter of ['<', '>', '"', "'", '\u0000']) expect(escapeText(name)).not.toContain(letter);
  expect(html`<b title="${name}">${[html`<i>${1}</i>`, raw('<br>')]}${undefined}${false}</b>`.html).toBe(
    `<b title="${escapeText(name)}"><i>1</i><br></b>`,
  );
});

it('has one title, its inputs, questions and explanations as headings in order', async () => {
  const page = await renderPage([
    pictured(),
    pictured({ methodTitle: 'LayerCAM', isCut: false, completing: ['p4'] }),
    row(),
  ]);
  const headings = [...page.matchAll(/<h([1-6])[^>]*>([\s\S]*?)<\/h\1>/g)].map(
    ([, level, text]) => `${level} ${text.replace(/<[^>]+>/g, '')}`,
  );
  expect(headings).toEqual([
    '1 Why model says what it says of 2 inputs',
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
    pictured({
      relativeError: 0.031,
      error: 0.093,
      converged: false,
      command: 'wherefore explain cat.png --model model.onnx',
      notes: ['the picture was turned'],
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
    'not converged: error 3.1 %, try n = 100',
    'wherefore explain cat.png --model model.onnx',
    'the picture was turned',
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
  const one = pictured({
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
  const page = await renderPage([pictured(), row(), row()], {
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
  const picture = plainPicture(224, 224);
  picture.data.forEach((_, i) => {
    picture.data[i] = Math.floor(256 * noise.uniform());
  });
  const all = Array.from({ length: 12 }, () =>
    makeExplained({
      input,
      attribution: values(),
      layout,
      picture,
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
      pictured({ prediction: { output: 'y', kind: 'probability', top: [{ index: 1, label: 'cat', value: 1 }] } }),
    ]),
  ).toBe('Why model says “cat” of cat.png');
  expect(pageTitle([pictured()])).toBe('Why model says this of cat.png');
});
