// Opens 1,000,000 rows of a Parquet file and a folder of 100,000 images, each in a process of its own, and reads rows of
// them: seconds to open, most memory, rows per second of a processor.
//   npm run bench:dataset [-- --parquet-rows 1000000 --images 100000]

import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { writePng } from '../../src/data/formats/image.ts';
import { random } from '../../src/tensor/random.ts';
import { tensor } from '../../src/tensor/tensor.ts';

const { values: options } = parseArgs({
  options: { 'parquet-rows': { type: 'string', default: '1000000' }, images: { type: 'string', default: '100000' } },
});
const parquetRows = Number(options['parquet-rows']);
const images = Number(options.images);
const folder = mkdtempSync(join(tmpdir(), 'wherefore-bench-dataset-'));
try {
  const parquet = join(folder, 'rows.parquet');
  writeParquet(parquet);
  const imageFolder = join(folder, 'images');
  await writeImages(imageFolder);
  const csv = join(folder, 'rows.csv');
  writeFileSync(csv, csvText(parquetRows / 10));
  const measured = [
    measure(`Parquet, ${parquetRows.toLocaleString('en')} rows of 10 columns`, parquet, { label: 'y' }),
    measure(`folder of ${images.toLocaleString('en')} images, 32×32`, imageFolder, {}),
    measure(`CSV, ${(parquetRows / 10).toLocaleString('en')} rows of 4 columns`, csv, { label: 'y' }),
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  process.stdout.write(
    [
      line(['data', 'open, s', 'open, CPU-s', 'most memory, MB', 'rows per CPU-second, in order', '… at random']),
      line(['---', '--:', '--:', '--:', '--:', '--:']),
      ...measured.map(line),
      '',
    ].join('\n'),
  );
} finally {
  rmSync(folder, { recursive: true });
}

function measure(what: string, path: string, described: { readonly label?: string }): string[] {
  const child = fileURLToPath(new URL('./open.js', import.meta.url));
  const found = JSON.parse(
    execFileSync(process.execPath, [child, path, JSON.stringify(described)], { encoding: 'utf8' }),
  );
  const { seconds, cpu, megabytes, inOrder, atRandom } = found as Record<string, number>;
  const rate = (value: number) => Math.round(value).toLocaleString('en');
  return [what, seconds.toFixed(2), cpu.toFixed(2), megabytes.toFixed(0), rate(inOrder), rate(atRandom)];
}

function writeParquet(path: string): void {
  const source = random(1);
  const numbers = (k: number) => {
    const data = new Float64Array(parquetRows);
    for (let i = 0; i < data.length; i++) data[i] = source.uniform() * k;
    return { name: `x${k}`, data };
  };
  const cities = ['Ulm', 'Bonn', 'Kiel', 'Trier'];
  const texts = Array.from({ length: parquetRows }, (_, i) => cities[i % 4]);
  const labels = Int32Array.from({ length: parquetRows }, (_, i) => i % 2);
  const columnData = [
    ...[1, 2, 3, 4, 5, 6, 7, 8].map(numbers),
    { name: 'city', data: texts, type: 'STRING' as const },
    { name: 'y', data: labels, type: 'INT32' as const },
  ];
  writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 100_000 })));
}

/** A hundred different images under as many names as are wanted. */
async function writeImages(path: string): Promise<void> {
  mkdirSync(path);
  const source = random(2);
  const kinds: string[] = [];
  for (let k = 0; k < 100; k++) {
    const data = new Uint8Array(32 * 32 * 3);
    for (let i = 0; i < data.length; i++) data[i] = source.integer(256);
    kinds.push(join(folder, `image-${k}.png`));
    writeFileSync(kinds[k], await writePng(tensor('uint8', [32, 32, 3], data)));
  }
  for (let i = 0; i < images; i++) {
    const own = join(path, `class-${i % 10}`);
    if (i < 10) mkdirSync(own);
    place(kinds[i % 100], join(own, `${i}.png`));
  }
}

/** Links are enough, up to the number that a file system allows. */
function place(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function csvText(rows: number): string {
  const lines = ['a,b,city,y'];
  for (let i = 0; i < rows; i++) lines.push(`${i},${i * 0.5},"Ulm, ${i % 7}",${i % 2}`);
  return `${lines.join('\n')}\n`;
}
