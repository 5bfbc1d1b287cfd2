import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { largestAt } from '../../tensor/extremes.ts';
import { int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { logitsAt } from '../model/run.ts';
import { capacityFor, openDecoder } from './decoder.ts';
import { decoderProgram } from './decoder-program.ts';
import { generate } from './generate.ts';

const folder = sharedData('stories260k');

describe.skipIf(!folder)('a real language model', () => {
  let language: LanguageModel;
  beforeAll(async () => {
    language = await openLanguageModel(folder as string, { threads: 1, isolation: 'thread' });
  });
  afterAll(() => language.close());

  it('is opened with its inputs found in the graph', () => {
    expect(language.roles).toMatchObject({ ids: 'input_ids', mask: 'attention_mask', embedding: 'embedding' });
    expect(language.longest).toBe(512);
    expect([...language.ends]).toEqual([2]);
  });

  it('writes what its authors state, in pieces', async () => {
    const pieces: string[] = [];
    const { text, stopped } = await generate(language, '', { maxTokens: 45, onText: (piece) => pieces.push(piece) });
    expect(text).toMatch(
      /^Once upon a time, there was a little girl named Lily\. She loved to play outside in the park\. One day, she saw a big, red ball\./,
    );
    expect(pieces.join('')).toBe(text);
    expect(stopped).toBe('max tokens');
  });

  it('gives the same with a cache as without, however the tokens are read', async () => {
    const ids = [...language.tokenizer.encode('Once upon a time, there was a big 日本 dog. It ran').ids];
    const vocabulary = language.tokenizer.size;
    const all = await logitsAt(language, ids);
    const decoder = await openDecoder(language, ids.length);
    expect(decoder.capacity).toBe(64);
    for (const size of [ids.length, 1, 4]) {
      decoder.rewind(0);
      for (let at = 0; at < ids.length; at += size) {
        const part = ids.slice(at, at + size);
        const logits = await decoder.read(part);
        const last = at + part.length - 1;
        // Float32 sums in another order; logits reach 20.
        for (let v = 0; v < vocabulary; v++)
          expect(Math.abs(logits[v] - all[last * vocabulary + v])).toBeLessThan(1e-4);
      }
    }
    await decoder.close();
  });

  it('forgets what is behind a place it goes back to', async () => {
    const decoder = await openDecoder(language, 20);
    const [start, one, other] = [[1, 403, 407], [261, 378], [300]];
    await decoder.read(start);
    const before = (await decoder.read(one)).slice();
    decoder.rewind(3);
    await decoder.read(other);
    decoder.rewind(3);
    expect(await decoder.read(one)).toEqual(before);
    expect(() => decoder.rewind(6)).toThrow(/has not read so many/);
    await decoder.close();
  });

  it('scores tokens by log p, which sums to what softmax says', async () => {
    const ids = [1, 403, 407, 261];
    const decoder = await openDecoder(language, 10);
    const scores = await decoder.score(ids.slice(0, 3), ids.slice(1));
    const logits = await logitsAt(language, ids.slice(0, 3));
    for (let i = 0; i < 3; i++) {
      const row = logits.subarray(i * 512, i * 512 + 512);
      const most = row[largestAt(row)];
      const total = row.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
      expect(scores[i]).toBeCloseTo(row[ids[i + 1]] - most - Math.log(total), 4);
    }
    await decoder.close();
  });

  it('computes the vocabulary at the tokens asked about alone', async () => {
    const { cached, positions, next, scores } = await decoderProgram(language, 64);
    const ids = int64([1, 6], [1, 403, 407, 261, 378, 300]);
    const feeds = new Map<string, Tensor>([
      [language.roles.ids, ids],
      [cached.past, int64([1], [0])],
      [positions, int64([2], [4, 5])],
      [next, int64([1, 2, 1], [300, 5])],
      ...cached.caches.map(({ input, type, shape }) => [input, tensor(type, shape)] as const),
    ]);
    const { facts, graph } = await language.model.executor.specialise(cached.graph, feeds);
    expect(facts.shapes.get(scores)).toEqual([1, 2, 1]);
    const sized = graph.nodes.flatMap(({ outputs }) => outputs).map((name) => facts.shapes.get(name) ?? []);
    // 512 tokens in the vocabulary: logits and log p, of two positions.
    const wide = sized.filter((shape) => shape.length === 3 && shape[2] === 512);
    expect(wide.length).toBeGreaterThan(1);
    for (const shape of wide) expect(shape).toEqual([1, 2, 512]);
  });

  it('has one session for texts of a length, one after the other', async () => {
    let opened = 0;
    const { executor } = language.model;
    const { open } = executor;
    executor.open = (...given) => {
      opened++;
      return open.apply(executor, given);
    };
    const first = await openDecoder(language, 500);
    const second = await openDecoder(language, 490);
    expect(opened).toBe(2);
    const logits = await first.read([1, 403]);
    await first.close();
    const third = await openDecoder(language, 480);
    expect(opened).toBe(2);
    // What was read in it before is forgotten.
    expect(await third.read([1, 403])).toEqual(logits);
    await Promise.all([second.close(), third.close()]);
    executor.open = open;
  });

  it('stops before a stop string that two tokens make', async () => {
    const pieces: string[] = [];
    const stopping = { maxTokens: 40, stops: ['girl', 'irl na'], onText: (piece: string) => pieces.push(piece) };
    const { text, stopped } = await generate(language, '', stopping);
    expect(text).toBe('Once upon a time, there was a little ');
    expect([pieces.join(''), stopped]).toEqual([text, 'stop string']);
  });

  it('draws the same text for the same seed only', async () => {
    const drawn = (seed: number) => generate(language, 'The dog', { maxTokens: 12, temperature: 1, topP: 0.9, seed });
    const [a, b, c] = [await drawn(1), await drawn(1), await drawn(2)];
    expect(a.ids).toEqual(b.ids);
    expect(a.ids).not.toEqual(c.ids);
  });

  it('refuses a text that is too long, and settings out of range', async () => {
    await expect(generate(language, 'a', { maxTokens: 600 })).rejects.toThrow(
      /longer than the model takes.*at most 512/,
    );
    await expect(generate(language, 'a', { maxTokens: 0 })).rejects.toThrow(/whole number from 1/);
    await expect(generate(language, 'a', { stops: [''] })).rejects.toThrow(/stop string is empty/);
  });
});

describe('capacities', () => {
  it('are shared by texts of similar length', () => {
    expect([1, 64, 65, 300].map((length) => capacityFor(length))).toEqual([64, 64, 128, 512]);
    expect([capacityFor(300, 400), capacityFor(10, 32)]).toEqual([400, 32]);
  });
});
