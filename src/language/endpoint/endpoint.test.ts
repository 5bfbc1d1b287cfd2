import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Moods, type StubEndpoint, type StubModel, startStub } from '../../../test/stub-endpoint.ts';
import { folderCache } from './answer-cache.ts';
import { connectEndpoint, type EndpointOptions } from './endpoint.ts';

/** Says the last word of what it is asked; a word is likely where it stood before. */
const parrot: StubModel = {
  name: 'parrot',
  answer: (prompt) => prompt.match(/\S+(?=\W*$)/)?.[0] ?? 'nothing',
  logProbability: (prompt, word) => (prompt.includes(word.trim()) ? -0.25 : -3),
};

const keyVariable = 'WHEREFORE_TEST_KEY';
const opened: StubEndpoint[] = [];
const folders: string[] = [];

afterEach(async () => {
  delete process.env[keyVariable];
  for (const stub of opened.splice(0)) await stub.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function stubOf(moods: Moods = {}): Promise<StubEndpoint> {
  const stub = await startStub(parrot, moods);
  opened.push(stub);
  return stub;
}

const connect = ({ url }: StubEndpoint, options: Partial<EndpointOptions> = {}) =>
  connectEndpoint({ url, model: 'parrot', keyVariable, limits: { calls: 100 }, wait: async () => {}, ...options });

describe('an endpoint', () => {
  it('is asked what it lets others see, in seven requests', async () => {
    const stub = await stubOf();
    const endpoint = await connect(stub);
    expect(endpoint.access).toEqual({
      chat: true,
      completion: true,
      scores: true,
      alternatives: 5,
      prefill: false,
      repeatable: true,
    });
    expect(stub.requests.length).toBeLessThanOrEqual(7);
    expect(endpoint.used().calls).toBe(stub.requests.length);
  });

  it('says how probable an answer is, the answer alone', async () => {
    const endpoint = await connect(await stubOf());
    // "green" stood before, "door" did not: −0.25 − 3.
    const { logProbability, tokens } = await endpoint.score('a green box and a', ' green door');
    expect(tokens).toEqual([
      { text: ' green', logProbability: -0.25 },
      { text: ' door', logProbability: -3 },
    ]);
    expect(logProbability).toBe(-3.25);
  });

  it('counts letters as code points, where an answer follows an emoji', async () => {
    const endpoint = await connect(await stubOf());
    expect((await endpoint.score('a 🦊 in', ' snow')).tokens).toEqual([{ text: ' snow', logProbability: -3 }]);
  });

  it('answers a conversation and a text, with what the tokens were worth', async () => {
    const endpoint = await connect(await stubOf());
    const chat = await endpoint.generate([{ role: 'user', content: 'say yes' }]);
    expect(chat).toEqual({ text: 'yes', ended: 'stop', tokens: [{ text: 'yes', logProbability: -0.25 }] });
    expect((await endpoint.generate('say no')).text).toBe('no');
  });

  it('is not asked twice, and keeps what it said after the end of the program', async () => {
    const stub = await stubOf();
    const folder = mkdtempSync(join(tmpdir(), 'wherefore-endpoint-'));
    folders.push(folder);
    const cache = folderCache(folder);
    await (await connect(stub, { cache })).generate('say yes');
    const asked = stub.requests.length;
    const again = await connect(stub, { cache: folderCache(folder) });
    expect((await again.generate('say yes')).text).toBe('yes');
    expect(stub.requests).toHaveLength(asked);
    expect(again.used()).toMatchObject({ calls: 0, cached: 1 });
    // Another sample is another question.
    await again.generate('say yes', { sample: 1 });
    expect(stub.requests).toHaveLength(asked + 1);
  });

  it('is asked again where a kept answer is damaged', async () => {
    const stub = await stubOf();
    const folder = mkdtempSync(join(tmpdir(), 'wherefore-endpoint-'));
    folders.push(folder);
    const endpoint = await connect(stub, { cache: folderCache(folder) });
    await endpoint.generate('say yes');
    for (const part of readdirSync(folder))
      for (const file of readdirSync(join(folder, part))) writeFileSync(join(folder, part, file), '{');
    const asked = stub.requests.length;
    expect((await endpoint.generate('say yes')).text).toBe('yes');
    expect(stub.requests).toHaveLength(asked + 1);
  });
});

describe('what an endpoint does not give', () => {
  it('is known, and refused when it is asked for', async () => {
    const endpoint = await connect(await stubOf({ silent: true, chatOnly: true }));
    expect(endpoint.access).toMatchObject({ chat: true, completion: false, scores: false, alternatives: 0 });
    await expect(endpoint.score('a', ' b')).rejects.toThrow('does not give the probability of a given answer');
    expect((await endpoint.generate('say yes')).tokens).toBeUndefined();
  });

  it('is said of one that never says the same', async () => {
    expect((await connect(await stubOf({ wavering: true }))).access.repeatable).toBe(false);
  });

  it('is said of one that holds answers back', async () => {
    const endpoint = await connect(await stubOf({ refusing: true }));
    expect(await endpoint.generate('say yes')).toMatchObject({ text: '', ended: 'withheld' });
  });
});

describe('bad moods of an endpoint', () => {
  it('pass, where they pass: too many requests, failures, cut answers', async () => {
    const stub = await stubOf();
    const waits: number[] = [];
    const endpoint = await connect(stub, { wait: async (time) => void waits.push(time) });
    stub.moods = { first: [...stub.requests.map(() => 0), 429, 500, -1] };
    expect((await endpoint.generate('say yes')).text).toBe('yes');
    expect(waits).toEqual([500, 1000, 2000]);
  });

  it('are kept away by fewer requests a minute, each in its turn', async () => {
    const stub = await stubOf();
    const waits: number[] = [];
    const wait = async (time: number) => void waits.push(time);
    const probed = (await connect(stub)).used().calls;
    const endpoint = await connect(stub, { wait, perMinute: probed });
    expect(waits).toEqual([]);
    await endpoint.generate('say yes');
    await endpoint.generate('say no');
    // The minute of the first request has just begun; tests do not wait, so the second one waits for its own.
    expect(waits).toHaveLength(2);
    for (const time of waits) expect(Math.abs(time - 60_000)).toBeLessThan(5000);
  });

  it('wait as long as the endpoint asks', async () => {
    const stub = await stubOf();
    const waits: number[] = [];
    const endpoint = await connect(stub, { wait: async (time) => void waits.push(time) });
    stub.moods = { first: [...stub.requests.map(() => 0), 429], retryAfter: 7 };
    await endpoint.generate('say yes');
    expect(waits).toEqual([7000]);
  });

  it.each<[string, Moods, RegExp]>([
    ['too many requests for ever', { first: Array(99).fill(429) }, /too many requests, 3 times in a row.*Fix/],
    ['a server that fails for ever', { first: Array(99).fill(500) }, /fails \(status 500\), 3 times in a row/],
    ['JSON that ends too early', { malformed: true }, /is no JSON, 3 times in a row/],
    ['JSON of another form', { otherForm: true }, /another form than the API of OpenAI/],
    ['connections that are cut', { first: Array(99).fill(-1) }, /cut the answer short, 3 times in a row/],
    ['slowness', { slow: 400 }, /did not answer within 0.1 s, 3 times in a row/],
    ['a redirect', { redirect: 'http://169.254.169.254/' }, /sends elsewhere, which is not followed/],
  ])('give one clear error and few requests: %s', async (_, moods, message) => {
    const stub = await stubOf(moods);
    const timeout = moods.slow ? 100 : 5000;
    await expect(connect(stub, { retries: 2, timeout })).rejects.toThrow(message);
    expect(stub.requests.length).toBeLessThanOrEqual(9);
  });

  it('never print the key', async () => {
    process.env[keyVariable] = 'secret-of-mine';
    const stub = await stubOf({ key: 'another' });
    const error = await connect(stub).catch((reason) => reason);
    expect(error.message).toMatch(/wants another key: the key in WHEREFORE_TEST_KEY is refused/);
    expect(JSON.stringify([error.message, error.details])).not.toContain('secret-of-mine');
    expect(stub.requests).toHaveLength(1);
  });

  it('keep no key on disk', async () => {
    process.env[keyVariable] = 'secret-of-mine';
    const folder = mkdtempSync(join(tmpdir(), 'wherefore-endpoint-'));
    folders.push(folder);
    await connect(await stubOf({ key: 'secret-of-mine' }), { cache: folderCache(folder) });
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain('secret');
  });

  it('stop at the limit of requests, to the request, with nothing lost', async () => {
    const stub = await stubOf();
    const folder = mkdtempSync(join(tmpdir(), 'wherefore-endpoint-'));
    folders.push(folder);
    const probe = (await connect(stub)).used().calls;
    const before = stub.requests.length;
    const endpoint = await connect(stub, { cache: folderCache(folder), limits: { calls: probe + 2 } });
    await endpoint.generate('say one');
    await endpoint.generate('say two');
    await expect(endpoint.generate('say three')).rejects.toThrow(/limit of \d+ requests is reached/);
    expect(stub.requests).toHaveLength(before + probe + 2);
    const again = await connect(stub, { cache: folderCache(folder), limits: { calls: 1 } });
    expect((await again.generate('say two')).text).toBe('two');
    expect((await again.generate('say three')).text).toBe('three');
    expect(existsSync(folder)).toBe(true);
  });

  it('stop at a limit of cost', async () => {
    const stub = await stubOf();
    const prices = { prompt: 1e6, answer: 1e6 };
    const endpoint = await connect(stub, { prices, limits: { calls: 100, cost: 60 } });
    const spent = endpoint.used().cost as number;
    expect(spent).toBeGreaterThan(10);
    await expect(
      (async () => {
        for (let i = 0; i < 60; i++) await endpoint.generate(`say ${i}`);
      })(),
    ).rejects.toThrow(/limit of 60 cost is reached/);
    expect(endpoint.used().cost).toBeLessThan(64);
  });

  it.each<[string, Partial<EndpointOptions>, RegExp]>([
    ['a model that it does not have', { model: 'parot' }, /no model "parot": did you mean "parrot"\?/],
    ['no address', { url: 'parrot' }, /is no web address/],
    ['a password in the address', { url: 'http://me:secret@127.0.0.1/v1' }, /holds a name or a password/],
    [
      'an address without a server',
      { url: 'http://127.0.0.1:59998/v1', retries: 0 },
      /cannot be reached.*ECONNREFUSED/,
    ],
    ['a limit of nothing', { limits: { calls: 0 } }, /a limit of calls that allows nothing/],
    ['a limit of cost without prices', { limits: { calls: 1, cost: 1 } }, /a limit of cost without prices/],
  ])('are told before anything is asked: %s', async (_, options, message) => {
    await expect(connect(await stubOf(), options)).rejects.toThrow(message);
  });

  it('do not send a key in the clear', async () => {
    process.env[keyVariable] = 'secret-of-mine';
    await expect(connect(await stubOf(), { url: 'http://example.com/v1' })).rejects.toThrow(/sent in the clear/);
  });

  it('end at once when the work is stopped', async () => {
    const stub = await stubOf();
    const endpoint = await connect(stub);
    stub.moods = { slow: 5000 };
    const stop = new AbortController();
    const answer = endpoint.generate('say yes', { signal: stop.signal });
    stop.abort();
    await expect(answer).rejects.toThrow('cancelled');
  });
});
