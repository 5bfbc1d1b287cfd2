import { expect, it } from 'vitest';
import { renderSteps } from './steps.ts';

it('shows steps in their order, with images, a plot and a link, and escapes what they say', () => {
  const estimate = (mean: number) => ({ mean, low: mean - 1, high: mean + 1 });
  const { html } = renderSteps([
    {
      title: 'First <b>',
      text: 'A & B',
      images: [{ view: { kind: 'image', width: 1, height: 1, pixels: Uint8Array.of(255, 0, 0) }, caption: 'red' }],
      link: { href: '../other/index.html', text: 'more' },
    },
    {
      title: 'Second',
      text: 'measured',
      plot: {
        ...{ title: 'accuracy', unit: 'points', verdict: 'helps' },
        values: { with: [50, 51], changed: [60, 62], control: [49, 50] },
        ...{ effect: estimate(10.5), random: estimate(-1), beyond: estimate(11.5) },
      },
    },
  ]);
  expect(html).toMatch(
    /First &#60;b&#62;[\s\S]*A &#38; B[\s\S]*data:image\/png[\s\S]*red[\s\S]*href="\.\.\/other\/index\.html"/,
  );
  expect(html).toMatch(/Second[\s\S]*<svg[\s\S]*Accuracy: change/);
  expect(html.match(/<li><h3>/g)).toHaveLength(2);
});
