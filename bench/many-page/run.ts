// The page of a run of 10,000 explanations: how large it is, and how soon a browser shows its first rows.
// `npm run bench:many-page -- [count] [folder]`; a folder that is named keeps the run.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { loadModel } from '../../src/data/model/load-model.ts';
import { explain } from '../../src/explain/explain.ts';
import type { Explained } from '../../src/explain/explained.ts';
import { versionsOf } from '../../src/explain/run-record.ts';
import { figuresOf } from '../../src/page/figures.ts';
import { finishMany } from '../../src/report/many/finish.ts';
import { failedRow, resultColumns, resultRow } from '../../src/report/many/result-row.ts';
import { sheetCell, sheetOf } from '../../src/report/many/sheet.ts';
import { inProcess } from '../../src/run/driver.ts';
import { openStorage } from '../../src/run/open-storage.ts';
import { writeRows } from '../../src/run/rows.ts';
import { runShards } from '../../src/run/run.ts';
import { defaultShardSize, keyOf, type ShardProgram, type ShardResult, type Work } from '../../src/run/shard.ts';
import { random } from '../../src/tensor/random.ts';

const count = Number(process.argv[2] ?? 10_000);
const kept = process.argv[3];
const folder = resolve(kept ?? mkdtempSync(join(tmpdir(), 'wherefore-many-page-')));
const files = { rows: 'rows.parquet', sheet: 'maps.jpg' } as const;

/** Every image of the demo, really explained: the run repeats them under other names, with other errors. */
async function explainImages() {
  const model = await loadModel('examples/demo/model/shapes.onnx');
  try {
    const images = 'examples/demo/images';
    const paths = (await readdir(images)).filter((name) => name.endsWith('.png')).map((name) => join(images, name));
    const methods = ['integrated-gradients', 'grad-cam'] as const;
    const explained = await explain(model, paths, { methods, score: true });
    const cells: (Uint8Array | undefined)[] = [];
    for (const figure of await figuresOf(explained))
      cells.push(figure.kind === 'map' ? await sheetCell(figure) : undefined);
    return {
      explained,
      cells,
      model: { name: model.name, path: model.path, hash: model.hash, all: versionsOf(model) },
    };
  } finally {
    await model.close();
  }
}

/** An explanation as another item of the run has it. */
function varied({ document, tensors }: Explained, item: number): Explained {
  const relativeError =
    document.relativeError === null ? null : document.relativeError * 10 ** (4 * random(item).uniform());
  const source = `photographs/${String(item).padStart(6, '0')}-${document.input.source.split('/').at(-1)}`;
  return { document: { ...document, relativeError, input: { ...document.input, source } }, tensors };
}

const { explained, cells, model } = await explainImages();

async function shardOf(from: number, to: number): Promise<ShardResult> {
  const rows = [];
  const sheet: Uint8Array[] = [];
  for (let item = from; item < to; item++) {
    if (item % 997 === 13) {
      rows.push(
        failedRow(item, `photographs/${item}.png`, 'this is no image that can be read; where: its first bytes'),
      );
      continue;
    }
    const one = item % explained.length;
    const cell = cells[one];
    rows.push(resultRow({ item, part: 0 }, varied(explained[one], item), cell && sheet.push(cell) - 1));
  }
  const cost = { forward: 50 * (to - from), backward: 50 * (to - from), seconds: 0 };
  return {
    files: { [files.rows]: await writeRows(resultColumns, rows), [files.sheet]: await sheetOf(sheet) },
    cost,
  };
}

const program: ShardProgram = {
  version: 1,
  open: async () => ({ compute: ({ from, to }) => shardOf(from, to), close: async () => undefined }),
};

const work: Work = {
  ...{ program: 'explain', version: 1, parameters: {}, seed: 0 },
  ...{ count, shardSize: defaultShardSize(count) },
};

async function open(path: string): Promise<void> {
  const { findBrowser } = (await import(pathToFileURL(resolve('scripts/find-browser.mjs')).href)) as {
    findBrowser: () => string | undefined;
  };
  const executablePath = findBrowser();
  if (!executablePath) return console.log('no browser was found: CHROMIUM_PATH names one');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const tab = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
      await tab.goto(pathToFileURL(path).href, { waitUntil: 'load' });
      await tab.waitForSelector('.rows li:nth-child(50)');
      times.push(await tab.evaluate('performance.getEntriesByType("navigation")[0].loadEventEnd'));
      if (i === 0 && kept) await tab.screenshot({ path: join(folder, 'page.png'), fullPage: true });
      await tab.close();
    }
    times.sort((a, b) => a - b);
    console.log(`opened with its first 50 rows and their maps in ${times[2].toFixed(0)} ms (median of 5)`);
  } finally {
    await browser.close();
  }
}

try {
  const storage = await openStorage(folder);
  const driver = inProcess({ programs: { explain: { load: async () => program } }, cache: tmpdir() });
  const finished = await runShards(work, { storage, driver });
  const began = process.cpuUsage();
  const { all, ...named } = model;
  await finishMany(folder, storage, finished, {
    ...{
      started: new Date(),
      command: 'npm run bench:many-page',
      key: keyOf(work),
      versions: all,
      model: named,
      files,
    },
    ...{ leftOut: [], detail: 'wherefore explain INPUT --model shapes.onnx' },
  });
  const { user, system } = process.cpuUsage(began);
  const page = join(folder, 'index.html');
  const size = statSync(page).size / 2 ** 20;
  console.log(
    `${count} rows: ${size.toFixed(1)} MiB, made in ${((user + system) / 1e6).toFixed(1)} s of processor time`,
  );
  await open(page);
} finally {
  if (!kept) rmSync(folder, { recursive: true, force: true });
}
