import { afterEach, describe, expect, it, vi } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { csvCell } from '../data/formats/csv-cell.ts';
import { formatTable } from './table-text.ts';
import { print, printJson, tell, visible, visibleAll, visibleMessage } from './terminal.ts';

afterEach(() => vi.restoreAllMocks());

describe('texts of others', () => {
  it.each([
    ['an escape sequence', '\u001b[2Jcat', '\\u{1b}[2Jcat'],
    ['its eight-bit form', '\u009b2Jcat', '\\u{9b}2Jcat'],
    ['a bell and a backspace', 'a\u0007\b', 'a\\u{7}\\u{8}'],
    ['a line break', 'cat\nerror: none', 'cat\\u{a}error: none'],
    ['a return to the beginning of the line', 'cat\rdog', 'cat\\u{d}dog'],
    ['an override of the direction', 'cat\u202egod', 'cat\\u{202e}god'],
    ['an isolate', '\u2066cat\u2069', '\\u{2066}cat\\u{2069}'],
    ['a separator of lines', 'a\u2028b', 'a\\u{2028}b'],
    ['an invisible letter', 'c\u200bat\ufeff', 'c\\u{200b}at\\u{feff}'],
    ['a tag character', 'cat\u{e0041}', 'cat\\u{e0041}'],
    ['other scripts', 'חתול 猫 кот 👩‍👧', 'חתול 猫 кот 👩‍👧'],
  ])('%s is shown, not obeyed', (_, text, shown) => {
    expect(visible(text)).toBe(shown);
    expect(visibleAll({ [text]: [text, new Map([[text, 1]])] })).toEqual({ [shown]: [shown, new Map([[shown, 1]])] });
  });

  it('are cut where they are long', () => {
    expect(visible('x'.repeat(301))).toBe(`${'x'.repeat(299)}…`);
    expect(visible('x'.repeat(300))).toHaveLength(300);
    expect(visibleMessage('x'.repeat(3000))).toHaveLength(2000);
    expect(visibleMessage('a\n  b\u001b')).toBe('a b\\u{1b}');
  });

  it('keep tables straight', () => {
    expect(formatTable([['name'], ['a\nb']])).toBe('name\na\\u{a}b');
  });

  it('reach the terminal through one place, which leaves line breaks alone', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    print('a\nb\u001b');
    tell('a\u202e');
    printJson({ a: 'b\u202e\u{e0041}\u001b' });
    expect(log.mock.calls).toEqual([['a\nb\\u{1b}'], ['{\n  "a": "b\\u202e\\udb40\\udc41\\u001b"\n}']]);
    expect(JSON.parse(log.mock.calls[1][0])).toEqual({ a: 'b\u202e\u{e0041}\u001b' });
    expect(error.mock.calls).toEqual([['a\\u{202e}']]);
  });

  it('are shown in messages of errors', async () => {
    const { errors, code } = await wherefore('inspect', 'no\u001b[31mwhere\u202e.onnx');
    expect(code).toBe(1);
    expect(errors).toContain('no\\u{1b}[31mwhere\\u{202e}.onnx');
    expect(errors).not.toContain('\u001b');
  });
});

it.each([
  ['cat', 'cat'],
  ['a,b', '"a,b"'],
  ['say "a"', '"say ""a"""'],
  ['=cmd|calc!A1', "'=cmd|calc!A1"],
  ['+1', "'+1"],
  ['-1+2', "'-1+2"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['=a,"b"', `"'=a,""b"""`],
  ['a\rb', '"a\rb"'],
])('%j is no formula in a CSV file: %j', (text, cell) => {
  expect(csvCell(text)).toBe(cell);
});
