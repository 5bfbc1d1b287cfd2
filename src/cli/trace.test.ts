import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-trace-'));
const at = (name: string) => join(folder, name);
const sentence = 'the heron waited by the inlet until the larch lost its last needle';

beforeAll(async () => {
  const rows = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ id: `story ${i}`, text: `Number ${i}: nothing here.` }),
  );
  rows[7] = JSON.stringify({ id: 'story <7>', text: `They say ${sentence}, and no longer.` });
  writeFileSync(at('corpus.jsonl'), rows.join('\n'));
  const made = await wherefore(
    'trace',
    'index',
    at('corpus.jsonl'),
    '--text',
    'text',
    '--id',
    'id',
    '--out',
    at('index'),
  );
  expect(made.code).toBe(0);
  expect(made.output).toMatch(/40 documents added, 0 replaced, 0 there already/);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('trace', () => {
  it('lists the spans that stand in the corpus, and leaves a page', async () => {
    const { code, output } = await wherefore(
      'trace',
      `I read that ${sentence}!`,
      '--index',
      at('index'),
      '--out',
      at('runs'),
    );
    expect(code).toBe(0);
    expect(output).toMatch(/ 13 +1 +1e-\d+ +corpus\.jsonl row 7 +the heron waited by/);
    // A cell has at most 60 letters, the last of which says that there are more.
    expect(output).toContain(` ${sentence.slice(0, 59)}…\n`);
    const [run] = readdirSync(at('runs'));
    expect(readdirSync(join(at('runs'), run)).sort()).toEqual(['index.html', 'run.json', 'spans.json']);
    const page = readFileSync(join(at('runs'), run, 'index.html'), 'utf8');
    expect(page).toContain(`>${sentence}</a>!`);
    expect(page).toContain('story &#60;7&#62;');
  });

  it('takes a file, prints JSON, and says that nothing was found', async () => {
    writeFileSync(at('passage.txt'), `${sentence}\n`);
    const words = ['--index', at('index'), '--out', at('json'), '--json'];
    const { spans } = JSON.parse((await wherefore('trace', at('passage.txt'), ...words)).output);
    expect(spans).toMatchObject([
      { text: sentence, count: 1, sources: [{ document: 'story <7>', place: 'corpus.jsonl row 7' }] },
    ]);
    const none = await wherefore('trace', 'not a word of it', '--index', at('index'), '--out', at('none'));
    expect(none.output).toMatch(/no span of it stands to the letter in the 40 documents/);
  });

  it.each<[string, string[], RegExp]>([
    ['a file that is not there', ['nothing.txt', '--index', at('index')], /no such file.*quotation marks/],
    ['no index', ['some words here'], /which data to search.*trace index/],
    ['another folder as an index', ['some words here', '--index', folder], /index\.json.*no such file/],
    ['no data', ['index', '--out', at('other')], /nothing to index/],
    ['data that is not there', ['index', at('no.csv'), '--out', at('other')], /no such file or folder/],
    ['no place for the index', ['index', at('corpus.jsonl')], /where the index lies/],
    [
      'a column that is not there',
      ['index', at('corpus.jsonl'), '--text', 'txt', '--out', at('other')],
      /no column "txt"/,
    ],
    ['an unknown document', ['index', '--remove', 'story 99', '--out', at('index')], /no document "story 99"/],
    [
      'a folder of other things',
      ['index', at('corpus.jsonl'), '--text', 'text', '--out', folder],
      /no index and is not empty/,
    ],
  ])('refuses %s in one message', async (_, words, message) => {
    const { code, errors } = await wherefore('trace', ...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
    expect(errors.match(/^error: /gm)).toHaveLength(1);
  });
});
