import { WhereforeError } from '../../errors.ts';

/** What a person writes to name a model of the hub: `hf:owner/name`, `hf:owner/name@revision`, `hf:owner/name@revision/file`. */
export interface HubReference {
  readonly owner: string;
  readonly name: string;
  /** A branch, a tag or a commit. Default `main`. */
  readonly revision: string;
  /** A file of the repository; undefined: the model that it holds. */
  readonly file?: string;
}

/** Whether a text names something of the hub, well or badly. */
export const isHubReference = (text: string): boolean => text.startsWith('hf:');

const part = /^(?!\.)[\w.-]{1,96}$/;

/**
 * Reads a reference. A revision that holds strokes writes them as `%2F`.
 * @throws WhereforeError `invalid-argument`
 */
export function parseHubReference(text: string): HubReference {
  const [owner = '', rest = '', ...file] = text.replace(/^hf:/, '').split('/');
  const [name, revision = 'main', ...more] = rest.split('@');
  const path = file.length > 0 ? file.join('/') : undefined;
  const reference = { owner, name, revision: revision.replaceAll('%2F', '/'), file: path };
  const named = part.test(owner) && part.test(name) && !/\.\.|--/.test(`${owner} ${name}`);
  const revised = more.length === 0 && /^[\w.-]+(\/[\w.-]+)*$/.test(reference.revision) && !revision.includes('..');
  if (isHubReference(text) && named && revised && (path === undefined || isSafePath(path))) return reference;
  throw new WhereforeError('invalid-argument', 'this names no model of the hub', {
    got: text,
    expected: 'hf:owner/name, hf:owner/name@revision or hf:owner/name@revision/file',
  });
}

/** Whether the path of a file in a repository stays in the folder that it is put in, on every system. */
export const isSafePath = (path: string): boolean =>
  path.length < 400 &&
  path
    .split('/')
    .every((name) => /^[^\\:*?"<>|\p{Cc}]+$/u.test(name) && !/^\.+$/.test(name) && !/^[. ]*$|[. ]$/.test(name));

/** The reference as it is written. */
export const hubReferenceText = ({ owner, name, revision, file }: HubReference): string =>
  `hf:${owner}/${name}@${revision.replaceAll('/', '%2F')}${file === undefined ? '' : `/${file}`}`;
