import { expect, it } from 'vitest';
import { portablePath } from './portable-path.ts';

it.each([
  ['/home/ada/work/images/cat.png', 'images/cat.png'],
  ['/home/ada/work', 'work'],
  ['/home/ada/other/cat.png', 'cat.png'],
  ['/home/ada/workshop/cat.png', 'cat.png'],
  ['/home/ada/work/..cat/a.png', '..cat/a.png'],
  ['/home/ada/other/', 'other'],
  ['/', '.'],
  ['images/cat.png', 'images/cat.png'],
  ['../cat.png', '../cat.png'],
])('%s is handed on as %s', (path, expected) => {
  expect(portablePath(path, '/home/ada/work')).toBe(expected);
});
