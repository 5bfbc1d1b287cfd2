import { WhereforeError } from '../errors.ts';
import { contentHash } from '../tensor/content-hash.ts';
import { takeRows } from '../tensor/take-rows.ts';
import { concatRows, type Tensor } from '../tensor/tensor.ts';
import type { ColumnValue, Dataset, Rows } from './dataset.ts';
import { checkedIndices } from './define-dataset.ts';
import { givenIds } from './ids.ts';

/** Some positions of one part, and where their rows go. */
interface Share {
  readonly part: Dataset;
  readonly own: number[];
  readonly to: number[];
}

/**
 * Data sets one behind the other. They must have the same classes and all labels or none; columns are those of all,
 * with missing values where a part lacks one.
 * @throws WhereforeError `invalid-argument` for none, or parts that do not go together
 */
export function concat(parts: readonly Dataset[], name = parts.map((part) => part.name).join(' + ')): Dataset {
  const [first] = parts;
  if (first === undefined) throw new WhereforeError('invalid-argument', 'no data sets to put together');
  for (const part of parts) checkAlike(first, part);
  const starts: number[] = [];
  let length = 0;
  for (const part of parts) {
    starts.push(length);
    length += part.length;
  }
  const partOf = (index: number) => {
    let found = 0;
    for (let low = 0, high = parts.length - 1; low <= high; ) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= index) [found, low] = [middle, middle + 1];
      else high = middle - 1;
    }
    return found;
  };
  const shares = (indices: ArrayLike<number>): Share[] => {
    const found = new Map<number, Share>();
    for (const [to, index] of checkedIndices(indices, length, name).entries()) {
      const at = partOf(index);
      const share = found.get(at) ?? { part: parts[at], own: [], to: [] };
      found.set(at, share);
      share.own.push(index - starts[at]);
      share.to.push(to);
    }
    return [...found.values()];
  };
  const gather = async <T>(indices: ArrayLike<number>, read: (share: Share) => Promise<readonly T[]>): Promise<T[]> => {
    const values = new Array<T>(indices.length);
    for (const share of shares(indices)) {
      const found = await read(share);
      for (const [i, to] of share.to.entries()) values[to] = found[i];
    }
    return values;
  };
  return {
    name,
    length,
    classes: first.classes,
    labels: first.labels && concatRows(parts.map(({ labels }) => labels as Tensor)),
    columns: [...new Set(parts.flatMap(({ columns }) => columns))],
    read: (indices, epoch) => joined(shares(indices), indices.length, epoch),
    column: (column, indices) =>
      gather<ColumnValue>(indices, async ({ part, own }) =>
        part.columns.includes(column) || parts.every(({ columns }) => !columns.includes(column))
          ? part.column(column, own)
          : new Array<undefined>(own.length).fill(undefined),
      ),
    ids: givenIds(name, length, (indices) => gather(indices, ({ part, own }) => part.ids(own))),
    hashes: (indices) => gather(indices, ({ part, own }) => part.hashes(own)),
    describe: (index) => parts[partOf(index)].describe(index - starts[partOf(index)]),
    key: async (options) => {
      const keys = ['concat'];
      for (const part of parts) keys.push(await part.key(options));
      return contentHash(keys);
    },
  };
}

function checkAlike(first: Dataset, part: Dataset): void {
  const differs = (what: string, got: string, expected: string) =>
    new WhereforeError('invalid-argument', `data sets with different ${what} cannot be put together`, {
      where: `${first.name}, ${part.name}`,
      got,
      expected,
    });
  const labelled = ({ labels }: Dataset) => (labels ? 'labels' : 'no labels');
  if (labelled(first) !== labelled(part)) throw differs('labels', labelled(part), labelled(first));
  const classes = ({ classes: names }: Dataset) => names?.join(', ') ?? 'no classes';
  if (classes(first) !== classes(part)) throw differs('classes', classes(part), classes(first));
}

async function joined(shares: readonly Share[], count: number, epoch: number | undefined): Promise<Rows> {
  if (shares.length === 1) return shares[0].part.read(shares[0].own, epoch);
  const found: Rows[] = [];
  const order = new Uint32Array(count);
  let at = 0;
  for (const { part, own, to } of shares) {
    found.push(await part.read(own, epoch));
    for (const place of to) order[place] = at++;
  }
  const join = (of: (rows: Rows) => Tensor) => takeRows(concatRows(found.map(of)), order);
  const names = Object.keys(found[0].inputs);
  const weights = found.some((rows) => rows.weights) ? new Float32Array(count).fill(1) : undefined;
  shares.forEach(({ to }, s) => {
    to.forEach((place, i) => {
      const weight = found[s].weights?.[i];
      if (weights && weight !== undefined) weights[place] = weight;
    });
  });
  return {
    inputs: Object.fromEntries(names.map((name) => [name, join(({ inputs }) => inputNamed(inputs, name))])),
    ...(found[0].labels && { labels: join(({ labels }) => labels as Tensor) }),
    ...(weights && { weights }),
  };
}

function inputNamed(inputs: Rows['inputs'], name: string): Tensor {
  if (Object.hasOwn(inputs, name)) return inputs[name];
  throw new WhereforeError('invalid-argument', 'data sets with different inputs cannot be put together', {
    got: Object.keys(inputs).join(', '),
    expected: name,
  });
}
