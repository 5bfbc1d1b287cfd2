import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { wherefore } from '../../../test/command.ts';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { type HubMoods, type StubHub, startHub, stubCommit } from '../../../test/stub-hub.ts';
import { downloadModel } from './hub.ts';
import { isLoopback, isPrivate } from './private-address.ts';
import { isSafePath, parseHubReference } from './reference.ts';

const modelBytes = new Uint8Array(readFileSync(join(languageFixtures, 'llama', 'model.onnx')));
const bytes = (text: string) => new TextEncoder().encode(text);
const files = new Map([
  ['config.json', bytes('{"vocab_size":264}')],
  ['onnx/model.onnx', modelBytes],
  ['README.md', bytes('not needed')],
  ['tokenizer.json', new Uint8Array(readFileSync(byteTokenizerPath))],
  ['../outside.json', bytes('{}')],
]);

let folder: string;
let hub: StubHub;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wherefore-hub-'));
  hub = await startHub(files, { large: new Set(['onnx/model.onnx']) });
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE']) vi.stubEnv(name, '');
  vi.stubEnv('HF_ENDPOINT', hub.url);
  vi.stubEnv('WHEREFORE_HUB', join(folder, 'hub'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

const there = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
const modelRequests = () => hub.requests.filter((url) => url.includes('model.onnx'));
const target = () => join(folder, 'hub', 'tiny--llama', stubCommit, 'llama', 'onnx', 'model.onnx');
/** A beginning of the model that another attempt left. */
function begun(content: Uint8Array): void {
  mkdirSync(dirname(target()), { recursive: true });
  writeFileSync(`${target()}.part`, content);
}

describe('references to the hub', () => {
  it.each([
    ['hf:tiny/llama', { revision: 'main', file: undefined }],
    ['hf:tiny/llama@v1.0', { revision: 'v1.0', file: undefined }],
    ['hf:tiny/llama@refs%2Fpr%2F1/onnx/model_q4.onnx', { revision: 'refs/pr/1', file: 'onnx/model_q4.onnx' }],
    ['hf:tiny/llama/model.onnx', { revision: 'main', file: 'model.onnx' }],
  ])('are read: %s', (text, rest) => {
    expect(parseHubReference(text)).toEqual({ owner: 'tiny', name: 'llama', ...rest });
  });

  it.each([
    'hf:llama',
    'hf:../llama',
    'hf:a/b@',
    'hf:a/b@x@y',
    'hf:a/b@../c',
    'hf:a/b/../c',
    'hf:a/b/',
    'hf:a b/c',
    'hf:',
  ])('are refused: %s', (text) =>
    expect(() => parseHubReference(text)).toThrow(/names no model of the hub.*hf:owner\/name/),
  );

  it.each(['a/../b', '/a', 'C:\\a', 'a\\b', 'a/', 'a/./b', 'a\0', 'a. '])(
    'have no path out of the folder: %j',
    (path) => expect(isSafePath(path)).toBe(false),
  );
});

it.each([
  ['10.1.2.3', true, false],
  ['172.31.0.1', true, false],
  ['172.32.0.1', false, false],
  ['169.254.169.254', true, false],
  ['127.3.2.1', true, true],
  ['::1', true, true],
  ['[::1]', true, true],
  ['::ffff:10.0.0.1', true, false],
  ['fd00::1', true, false],
  ['2606:4700::1', false, false],
  ['8.8.8.8', false, false],
  ['example.org', false, false],
])('%s: closed network %s, this machine %s', (address, closed, own) => {
  expect([isPrivate(address), isLoopback(address)]).toEqual([closed, own]);
});

describe('a model of the hub', () => {
  it('is downloaded once, with what is read beside it', async () => {
    const seen: (readonly [string, number, number | undefined])[] = [];
    const onProgress = ({ file, received, total }: { file: string; received: number; total?: number }) =>
      seen.push([file, received, total]);
    const path = await downloadModel('hf:tiny/llama', { onProgress });
    expect(path).toBe(target());
    expect(new Uint8Array(readFileSync(path))).toEqual(modelBytes);
    expect(there()).toEqual(['config.json', 'files.json', 'model.onnx', 'revisions.json', 'tokenizer.json']);
    expect(seen).toContainEqual(['onnx/model.onnx', modelBytes.length, modelBytes.length]);
    const before = hub.requests.length;
    await downloadModel('hf:tiny/llama');
    // A branch may have moved: the list is asked for again, no file is.
    expect(hub.requests.slice(before)).toEqual(['/api/models/tiny/llama/revision/main?blobs=true']);
    await downloadModel(`hf:tiny/llama@${stubCommit}/onnx/model.onnx`);
    expect(hub.requests).toHaveLength(before + 1);
  });

  it('needs no network afterwards', async () => {
    await downloadModel('hf:tiny/llama');
    await hub.close();
    await expect(downloadModel('hf:tiny/llama')).rejects.toThrow(/cannot be reached.*HF_HUB_OFFLINE=1/);
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect(await downloadModel('hf:tiny/llama')).toBe(target());
    await expect(downloadModel('hf:tiny/llama@v2')).rejects.toThrow(/not downloaded.*HF_HUB_OFFLINE/);
    await expect(downloadModel('hf:tiny/llama/README.md')).rejects.toThrow(/README.md: this file was not downloaded/);
  });

  it('answers on the command line wherever a model does', async () => {
    const words = ['--prompt', 'the b', '--max-tokens', '3'];
    const { code, output, errors } = await wherefore('language', 'generate', 'hf:tiny/llama', ...words);
    expect([code, errors]).toEqual([0, expect.stringContaining('3 tokens in')]);
    expect(output).not.toBe('');
    expect((await wherefore('inspect', 'hf:tiny/llama')).code).toBe(0);
  });

  it('goes on where it was cut off', async () => {
    hub.moods = { cutAfter: [1000, 500] };
    await downloadModel('hf:tiny/llama@main/onnx/model.onnx');
    expect(modelRequests().filter((url) => / bytes=(1000|1500)-$/.test(url))).toHaveLength(2);
    expect(new Uint8Array(readFileSync(target()))).toEqual(modelBytes);
  });

  it('goes on from what a former process left', async () => {
    begun(modelBytes.subarray(0, 3000));
    await downloadModel('hf:tiny/llama');
    expect(modelRequests()[0]).toMatch(/ bytes=3000-$/);
    expect(there()).not.toContain('model.onnx.part');
  });

  it.each([
    ['a store without ranges', { noRanges: true }, modelBytes.subarray(0, 3000)],
    ['a beginning as long as the file', {}, modelBytes],
    ['a beginning longer than the file', {}, new Uint8Array(modelBytes.length + 5)],
  ])('is whole in the end: %s', async (_, moods, content) => {
    hub.moods = moods;
    begun(content);
    await downloadModel('hf:tiny/llama');
    expect(new Uint8Array(readFileSync(target()))).toEqual(modelBytes);
  });

  it('leaves what came before an end, and goes on', async () => {
    hub.moods = { cutAfter: Array<number>(9).fill(0) };
    begun(modelBytes.subarray(0, 10));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 400);
    await expect(downloadModel('hf:tiny/llama', { signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(readFileSync(`${target()}.part`)).toHaveLength(10);
  });

  it('is thrown away where its checksum is wrong', async () => {
    hub.moods = { swapped: true };
    await expect(downloadModel('hf:tiny/llama')).rejects.toMatchObject({
      code: 'invalid-data',
      message: expect.stringMatching(/not what the hub says/),
    });
    expect(there()).toEqual(['files.json', 'revisions.json']);
  });

  it('is checked by the headers of the hub where the list has no checksums', async () => {
    hub.moods = { plainList: true };
    await downloadModel('hf:tiny/llama');
    rmSync(target());
    hub.moods = { plainList: true, swapped: true };
    await expect(downloadModel('hf:tiny/llama')).rejects.toThrow(/not what the hub says/);
  });

  it('is asked for with the token, which goes to the hub alone', async () => {
    hub.moods = { token: 'hf_secret' };
    await expect(downloadModel('hf:tiny/llama')).rejects.toThrow(/HF_TOKEN is not set/);
    vi.stubEnv('HF_TOKEN', 'hf_wrong');
    const error = await downloadModel('hf:tiny/llama').catch((error: Error) => error);
    expect(String(error)).toMatch(/token in HF_TOKEN is refused/);
    expect(`${error} ${JSON.stringify(error)}`).not.toContain('hf_wrong');
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    await downloadModel('hf:tiny/llama');
    expect(hub.tokens.hub).toContain('Bearer hf_secret');
    expect(hub.tokens.store).toEqual([undefined]);
  });

  it.each([
    ['hf:tiny/lama', /the hub has no such model.*check owner and name/],
    ['hf:tiny/llama@v7', /no such revision/],
    ['hf:tiny/llama/onnx/model.onx', /no such file: did you mean "onnx\/model.onnx"/],
    ['hf:tiny/llama@main', /no such model.*model\.onnx/, 'model_q8.onnx'],
  ] as const)('that is not there: %s', async (reference, message, file?: string) => {
    await expect(downloadModel(reference, { file })).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, HubMoods, RegExp]>([
    ['asks for more patience than a minute', { first: [429], retryAfter: '3600' }, /too many requests.*HF_TOKEN/],
    ['sends to a private address', { redirect: 'http://10.0.0.1/model' }, /sends to an address in a closed network/],
    [
      'sends to the data of a cloud machine',
      { redirect: 'http://169.254.169.254/latest' },
      /closed network.*not followed|closed network/,
    ],
    ['sends to a file', { redirect: 'file:///etc/passwd' }, /what is no web address/],
    ['sends with a password', { redirect: 'http://a:b@example.org/' }, /name or password/],
    ['sends in a circle', { redirect: '/tiny/llama/resolve/main/config.json' }, /without end/],
    ['refuses', { first: [403] }, /does not show this model/],
  ])('whose hub %s is refused', async (_, moods, message) => {
    hub.moods = moods;
    await expect(downloadModel('hf:tiny/llama')).rejects.toMatchObject({
      code: 'endpoint',
      message: expect.stringMatching(message),
    });
    expect(there().filter((name) => name.endsWith('.part') || name.endsWith('.tmp'))).toEqual([]);
  });

  it('waits as long as the hub asks, and through troubles that pass', async () => {
    hub.moods = { first: [429, 503], retryAfter: '0' };
    await downloadModel('hf:tiny/llama');
    expect(hub.requests.filter((url) => url.startsWith('/api/'))).toHaveLength(3);
  });

  it.each([
    ['no address', { HF_ENDPOINT: 'hub' }, /HF_ENDPOINT is no web address/],
    ['one in the clear, with a token', { HF_ENDPOINT: 'http://example.org', HF_TOKEN: 'x' }, /sent in the clear/],
    ['a name in a closed network', { HF_ENDPOINT: 'http://localhost.:1' }, /cannot be reached|closed network/],
  ])(
    'is not asked for at %s',
    async (_, environment, message) => {
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
      await expect(downloadModel('hf:tiny/llama')).rejects.toThrow(message);
    },
    20_000,
  );
});
