import { expect, it } from 'vitest';
import { fileName, folderOf, inFolderOf, isAbsolute, partsBelow, relativeTo, within } from './paths.ts';

it.each([
  ['/a/b/c.onnx', 'c.onnx'],
  ['C:\\a\\b.onnx', 'b.onnx'],
  ['b.onnx', 'b.onnx'],
  ['/', '.'],
])('%s is called %s', (path, name) => expect(fileName(path)).toBe(name));

it.each([
  ['/a', '/a/b/c', 'b/c', 'b/c'],
  ['/a/', '/a/b', 'b', 'b'],
  ['/a', '/ab/c', undefined, '../ab/c'],
  ['/a/b', '/a/c', undefined, '../c'],
  ['/a/b', '/a', undefined, '../../a'],
  ['/a', '/a/../b', undefined, '../b'],
  ['C:\\a', 'C:\\a\\b\\c', 'b/c', 'b/c'],
])('from %s to %s', (folder, path, below, relative) => {
  expect(partsBelow(folder, path)?.join('/')).toBe(below);
  // What goes up again inside the path is left as it is written.
  if (!path.includes('..')) expect(relativeTo(folder, path)).toBe(relative);
});

it('tells absolute paths of either system', () => {
  expect(['/a', '\\\\a', 'C:/a', 'c:\\a'].every(isAbsolute)).toBe(true);
  expect(['a', './a', '../a', 'C:a'].some(isAbsolute)).toBe(false);
});

it.each([
  ['a/b.onnx', 'a', 'a/c'],
  ['b.onnx', '', 'c'],
  ['/b.onnx', '/', '/c'],
  ['C:\\b.onnx', 'C:\\', 'C:\\c'],
])('of %s, the folder is %s and a name in it %s', (path, folder, named) => {
  expect(folderOf(path)).toBe(folder);
  expect(inFolderOf(path, 'c')).toBe(named);
  expect(within(folder, 'c')).toBe(named);
  expect(inFolderOf(path, '/c')).toBe('/c');
});

it('leaves out the current folder before a name', () => {
  expect(['.', './', './images/', 'images'].map((folder) => within(folder, 'a'))).toEqual([
    'a',
    'a',
    'images/a',
    'images/a',
  ]);
});
