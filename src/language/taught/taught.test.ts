import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderTaughtPage } from '../../page/language/taught-page.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { rowLogProbabilities } from './row-probabilities.ts';
import { similarTexts, taught } from './taught.ts';
import { askedRows } from './taught-scores.ts';
import { trainingRows } from './token-rows.ts';

/** A small decoder of digits that adds; its training texts here are made up, which is no matter for what is tested. */
const folder = fileURLToPath(new URL('../../../examples/language/models/addition-follows/', import.meta.url));
const runtime = createNodeRuntime({ threads: 1 });

describe('what taught an answer', { timeout: 60_000 }, () => {
  let language: LanguageModel;
  beforeAll(async () => {
    language = await openLanguageModel(folder, { runtime });
  });
  afterAll(async () => {
    await language.close();
    await runtime.close();
  });
  const texts = ['1 2 3 + 4', '5 5 5 = 0', '7 : 7 ; 7', '1 2 3 + 9', '9 9 = 1 8', '3 + 4 = 7'];
  const question = { prompt: '1 2 3 +', answer: ' 4' };

  it('is moved most by the text that says the same, and lowered by one that says otherwise', async () => {
    const document = await taught(language, { ...question, texts });
    const [first] = document.movers;
    expect(first).toMatchObject({ row: 1, text: '1 2 3 + 4', movesPlace: 1 });
    expect(document.against.map(({ text }) => text)).toContain('1 2 3 + 9');
    // Both have the words of the question; only one has the answer.
    expect(document.statements[0]).toMatchObject({ row: 1, statesPlace: 1 });
    expect(document.notes.join(' ')).toMatch(/no moments of the training were given/);
    const page = renderTaughtPage(document, 'command');
    expect(page).toContain('Only the final weights were looked at');
    expect(page).toContain('1 2 3 + 9');
  });

  it('is added up over moments of the training, each of which counts alike', async () => {
    const once = await taught(language, { ...question, texts });
    const twice = await taught(language, { ...question, texts, checkpoints: [language, language] });
    expect(twice.movers.map(({ row }) => row)).toEqual(once.movers.map(({ row }) => row));
    for (const [i, { moves }] of twice.movers.entries()) expect(moves).toBeCloseTo(2 * (once.movers[i].moves ?? 0), 6);
    expect(twice.checkpoints).toHaveLength(2);
    expect(twice.notes.join(' ')).not.toMatch(/no moments/);
  });

  it('leaves out what moves the answer for any other word as well', async () => {
    // The word in question is the last but one; compared with itself nothing is left.
    const instead = { word: '3', others: ['3'] };
    const { movers, against } = await taught(language, { ...question, texts, instead });
    expect([...movers, ...against]).toEqual([]);
  });

  it('reads log-probabilities of the tokens that count', async () => {
    const [all] = await rowLogProbabilities(language, trainingRows(language, ['1 2 3 + 4']));
    const [answer] = await rowLogProbabilities(language, askedRows(language, question));
    const [before] = await rowLogProbabilities(language, trainingRows(language, ['1 2 3 +']));
    expect(before + answer).toBeCloseTo(all, 4);
  });

  it('names similar texts alone where a model gives no gradients, and says that this is no influence', async () => {
    const document = await similarTexts({ ...question, texts, model: 'remote' });
    expect(document.movers).toEqual([]);
    expect(document.statements[0]).toMatchObject({ row: 1, statesPlace: 1 });
    expect(document.statements[0]).not.toHaveProperty('moves');
    expect(renderTaughtPage(document)).toContain('Similar text, not influence');
    expect(renderTaughtPage(document)).not.toContain('Moves the model');
  });

  it('refuses what it cannot answer', async () => {
    await expect(taught(language, { ...question, texts: ['1 2'] })).rejects.toThrow(/too few training texts/);
    await expect(taught(language, { ...question, texts: ['1 2', ''] })).rejects.toThrow(/training text is too short/);
    await expect(taught(language, { ...question, texts, method: 'ekfac' })).rejects.toThrow(/ek-fac/);
    const instead = { word: '8', others: ['9'] };
    await expect(taught(language, { ...question, texts, instead })).rejects.toThrow(/no such word/);
  });
});
