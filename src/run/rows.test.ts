import { describe, expect, it } from 'vitest';
import { readRows, writeRows } from './rows.ts';

const columns = { name: 'text', value: 'number', count: 'count', sound: 'truth' } as const;

describe('rows of results', () => {
  it('come back as they were, a text of digits as a text, what is not finite as missing', async () => {
    const bytes = await writeRows(columns, [
      { name: '007', value: 0.1, count: 3, sound: true },
      { name: 'é\n"', value: Number.NaN },
      { value: -1e-300, count: -5, sound: false },
    ]);
    expect(await readRows(bytes, 'rows')).toEqual([
      { name: '007', value: 0.1, count: 3, sound: true },
      { name: 'é\n"' },
      { value: -1e-300, count: -5, sound: false },
    ]);
    expect(await readRows(await writeRows(columns, []), 'rows')).toEqual([]);
  });

  it('have the same bytes for the same rows', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => ({ name: `n${i % 7}`, value: Math.sin(i), count: i }));
    expect(await writeRows(columns, rows)).toEqual(await writeRows(columns, rows));
  });

  it('are refused where there are none', async () => {
    await expect(readRows(new Uint8Array([1, 2, 3]), 'x.parquet')).rejects.toThrow('x.parquet: no rows of results');
  });
});
