import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { image, side, templateModel } from '../../../test/evaluation-models.ts';
import { loadModel } from '../../data/model/load-model.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import { encodeModel } from '../../onnx/encode.ts';
import { renderEvaluationPage } from '../../page/evaluation/page.ts';
import { createResultStore } from '../../report/result-store.ts';
import { writeEvaluation } from '../../report/write-evaluation.ts';
import { folderStorage } from '../../run/folder-storage.ts';
import { type Evaluation, evaluate } from './evaluate.ts';

let model: LoadedModel;
let folder = '';
let evaluation: Evaluation;
const sources = [[4, 5] as const, [1, 2] as const].map((corner) => new Map([['x', image([corner])]]));
const options = {
  methods: ['gradient-x-input', 'occlusion', 'layer-cam'] as const,
  metrics: [{ name: 'msi-literal' }, { name: 'insertion' }, { name: 'pointing-game' }],
  target: { kind: 'classLogit', class: 0 } as const,
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-evaluate-'));
  model = await loadModel(encodeModel(templateModel().source), { name: 'a <b>plus</b>.onnx', threads: 1 });
  evaluation = await evaluate(model, sources, {
    ...options,
    store: createResultStore(folderStorage(join(folder, 'shards'))),
  });
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

describe('evaluate', () => {
  it('chooses a spatial layer where a method needs one', () => {
    const ids = evaluation.comparison.rows.map(({ id }) => id);
    expect(ids).toHaveLength(6);
    expect(ids.slice(0, 2)).toEqual(['gradient-x-input', 'occlusion']);
    expect(ids[2]).toMatch(/^layer-cam at Conv/);
    expect(ids.slice(3)).toEqual(['consensus', 'random', 'inverted']);
    expect(evaluation.mapShapes).toEqual([
      [side, side],
      [side, side],
    ]);
    expect(evaluation.comparison.rows[2].scores.insertion.count).toBe(2);
  });

  it('finds its shards again', async () => {
    expect(await readdir(join(folder, 'shards'))).toHaveLength(12);
    const again = await evaluate(model, sources, {
      ...options,
      store: createResultStore(folderStorage(join(folder, 'shards'))),
    });
    expect(again.comparison.cost.reused).toBe(12);
    expect(again.comparison.rows.map(({ values }) => values)).toEqual(
      evaluation.comparison.rows.map(({ values }) => values),
    );
  });

  it('writes one page that needs nothing else, with every method, metric and failure', async () => {
    const page = await renderEvaluationPage(evaluation, { model: model.name, command: 'wherefore evaluate' });
    expect(page).not.toContain('<b>plus</b>');
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
    for (const { title } of evaluation.comparison.rows) expect(page).toContain(title);
    expect(page).toContain('MSI (literal) ↑');
    expect(page).toMatch(/Pointing game of gradient-x-input: .*where the object is.*\(2 of 2 inputs\)/);
    expect(page).toContain('<svg class="front"');
    expect(page.match(/<figcaption>/g)).toHaveLength(12);
  });

  it('writes the table, the scores and the record of the run', async () => {
    await writeEvaluation(folder, model, evaluation, { command: 'wherefore evaluate', started: new Date(0) });
    const lines = (await readFile(join(folder, 'scores.csv'), 'utf8')).trim().split('\n');
    // 6 rows × 2 metrics × 2 inputs: the pointing game has no object to point at.
    expect(lines).toHaveLength(1 + 24);
    const record = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'));
    expect(record).toMatchObject({ what: 'evaluate', state: 'complete', started: '1970-01-01T00:00:00.000Z' });
    expect(record.metrics[2]).toMatchObject({ name: 'pointing-game', direction: 'higher', sound: false });
    expect(JSON.parse(await readFile(join(folder, 'evaluation.json'), 'utf8')).rows).toHaveLength(6);
  });
});
