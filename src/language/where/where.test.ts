import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { renderWherePage } from '../../page/language/where-page.ts';
import { largestAt } from '../../tensor/extremes.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { logitsAt } from '../model/run.ts';
import { anatomyOf } from './anatomy.ts';
import { directAttribution } from './direct-attribution.ts';
import { steered, steeringOf } from './steering.ts';
import { type WhereDocument, whereInModel } from './where.ts';

const folder = sharedData('stories260k');
const prompt = 'Lily had a cat. She was very happy. One day, Lily';

describe.skipIf(!folder)('where in a language model', () => {
  let language: LanguageModel;
  let document: WhereDocument;
  let logits: Float32Array;
  let ids: readonly number[];
  beforeAll(async () => {
    language = await openLanguageModel(folder as string, { threads: 1, isolation: 'thread' });
    ids = language.tokenizer.encode(prompt).ids;
    logits = (await logitsAt(language, ids)).slice(-512);
    const corrupt = new Map([['Lily', 'Tim']]);
    document = await whereInModel(language, { prompt, answer: ' saw', against: ' was', corrupt });
  }, 60_000);
  afterAll(() => language.close());

  it('finds the blocks of the graph, in order', async () => {
    const { contributions, residuals, layers, width } = await anatomyOf(language);
    expect([layers, width]).toEqual([5, 64]);
    const blocks = [0, 1, 2, 3, 4].flatMap((l) => [`layer.${l}/attn.out`, `layer.${l}/mlp.out`]);
    expect(contributions.map(({ name }) => name)).toEqual(['embed', ...blocks]);
    expect(residuals.map(({ name }) => name)).toEqual([
      'embed',
      ...[0, 1, 2, 3, 4].map((l) => `layer.${l}/resid.post`),
    ]);
  });

  it('adds what blocks write up to the logit, and to the difference of two', async () => {
    const position = ids.length - 1;
    for (const token of [largestAt(logits), 296, 3]) {
      const { parts, logit } = await directAttribution(language, ids, { position, weights: new Map([[token, 1]]) });
      expect(logit).toBeCloseTo(logits[token], 4);
      // The model has no biases: 1e-4 of logits up to 20.
      expect(Math.abs(parts.reduce((sum, { value }) => sum + value, 0) - logits[token])).toBeLessThan(1e-4);
    }
    const { direct } = document;
    expect(direct.logit).toBeCloseTo(
      direct.parts.reduce((sum, { value }) => sum + value, 0),
      4,
    );
    expect(direct.error).toBeLessThan(1e-4);
  });

  it('says in the last row of the lens what the model says', () => {
    const cell = document.lens.rows.at(-1)?.at(-1);
    const best = largestAt(logits);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - logits[best]), 0);
    expect(cell?.token).toBe(language.tokenizer.textOf(best));
    expect(cell?.probability).toBeCloseTo(1 / total, 4);
    // Behind the embedding, the table of words gives back the word that was read: they share one table.
    const own = document.lens.rows[0].map(({ token }, i) => token === language.tokenizer.textOf(ids[i]));
    expect(own.filter(Boolean).length).toBeGreaterThan(0.9 * ids.length);
    expect(document.lens.bytes).toBe(6 * 64 * 4 * ids.length);
  });

  it('breaks and restores all by the last value of the last token, and nothing before the corruption', () => {
    const [stream] = document.patching?.grids ?? [];
    for (const grid of [stream.noising, stream.denoising]) {
      expect(grid.at(-1)?.at(-1)).toBeCloseTo(1, 3);
      expect(
        grid
          .at(-1)
          ?.slice(0, -1)
          .every((value) => Math.abs(value) < 1e-4),
      ).toBe(true);
      expect(grid.every((row) => Math.abs(row[0]) < 1e-4)).toBe(true);
    }
    expect(stream.rows[0]).toBe('embed');
    expect(document.patching?.corruption).toBe('"Lily" → "Tim"');
  });

  it('moves the stream along a direction, and not at strength 0', async () => {
    const steering = await steeringOf(language, { toward: ['Tim was sad.'], away: ['Tim was happy.'], layer: 1 });
    const still = await logitsAt(steered(language, steering, 0), ids);
    const moved = await logitsAt(steered(language, steering, 3), ids);
    expect(Math.abs(still[still.length - 1] - logits[511])).toBeLessThan(1e-4);
    expect(Math.abs(moved[moved.length - 1] - logits[511])).toBeGreaterThan(1e-2);
  });

  it('shows all of it on a page', () => {
    const page = renderWherePage(document, 'wherefore language where');
    for (const text of ['layer.4/resid.post', 'denoising', 'MLP output', '·Lily']) expect(page).toContain(text);
    expect(page).toContain('&#34;Lily&#34; → &#34;Tim&#34;');
  });

  it.each([
    [{ corrupt: new Map([['Bob', 'Tim']]) }, /no such word.*Bob/],
    [{ corrupt: new Map([['cat', 'elephant']]) }, /as many tokens/],
    [{ answer: ' sa', against: ' sad' }, /begin with the same token/],
    [{ steering: { toward: ['a'], away: [] } }, /texts of both kinds/],
    [{ steering: { toward: ['a'], away: ['b'], layer: 5 } }, /no such layer.*0 to 4/],
  ])('refuses %o', async (options, message) => {
    await expect(whereInModel(language, { prompt, ...options })).rejects.toThrow(message);
  });
});
