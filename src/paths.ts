/** Last part of a path, whichever way its parts are separated. */
export const fileName = (path: string): string =>
  path
    .split(/[\\/]/)
    .filter((part) => part !== '')
    .pop() ?? '.';

/** Whether a path says where it lies whatever the current folder is. */
export const isAbsolute = (path: string): boolean => /^([\\/]|[a-z]:[\\/])/i.test(path);

const partsOf = (path: string) => path.split(/[\\/]/).filter((part) => part !== '' && part !== '.');

/** The parts of an absolute path below a folder; undefined where it does not lie there. */
export function partsBelow(folder: string, path: string): string[] | undefined {
  const [inner, outer] = [partsOf(path), partsOf(folder)];
  const isBelow = inner.length > outer.length && outer.every((part, i) => part === inner[i]) && !inner.includes('..');
  return isBelow ? inner.slice(outer.length) : undefined;
}

/** The way from one absolute folder to a file: `../tokenizer.json`. */
export function relativeTo(folder: string, path: string): string {
  const [from, to] = [partsOf(folder), partsOf(path)];
  let same = 0;
  while (same < from.length && same < to.length - 1 && from[same] === to[same]) same++;
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/');
}

/** Parts of a path from a folder, joined by `/`, with `..` resolved as far as there is something to leave. */
export function joined(...parts: readonly string[]): string {
  const kept: string[] = [];
  for (const part of parts.flatMap(partsOf)) {
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else kept.push(part);
  }
  return kept.join('/');
}

/** The folder of a path whose parts are joined by `/`; empty for a name alone. */
export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** The ending of a file's name, in small letters and with its dot: `.png`; empty where it has none. */
export const endingOf = (path: string): string => /[^.](\.[^.]*)$/.exec(fileName(path))?.[1].toLowerCase() ?? '';

/** A name as it is meant in the folder of a file; an absolute one stays: `models/a.onnx`, `labels.txt` → `models/labels.txt`. */
export const inFolderOf = (path: string, name: string): string =>
  isAbsolute(name) ? name : `${path.replace(/[^\\/]*$/, '')}${name}`;

/** The folder of a path as it is written, without a separator behind it unless it is a root; empty for a name alone. */
export const folderOf = (path: string): string => path.replace(/[^\\/]*$/, '').replace(/(?<=[^:\\/])[\\/]+$/, '');

/** A name in a folder, both as they are written: `./images/`, `a.png` → `images/a.png`. */
export function within(folder: string, name: string): string {
  const plain = folder.replace(/^(\.[\\/]+)+|^\.$/, '');
  return /(^|[\\/])$/.test(plain) ? `${plain}${name}` : `${plain}/${name}`;
}
