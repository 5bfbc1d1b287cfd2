import { Session } from 'node:inspector';

type Listed = { readonly length: number };
type Method = (this: Listed, ...values: unknown[]) => unknown;
/** Elements that a native method goes over, from what it is called on, what it is given and what it returns. */
type Count = (on: Listed, given: readonly unknown[], result: unknown) => number;

const all: Count = (on) => on.length;
const made: Count = (_, __, result) => (result as Listed).length;
const searched: Count = ({ length }, [, from], found) =>
  (typeof found === 'number' && found >= 0 ? found + 1 : length) - (typeof from === 'number' ? from : 0);

/** Methods that go over elements in native code. */
const lengthy: readonly (readonly [object, Readonly<Record<string, Count>>])[] = [
  [
    Array.prototype,
    {
      ...{ indexOf: searched, lastIndexOf: all, includes: all, slice: made, concat: made, join: all, fill: all },
      ...{ splice: all, shift: all, unshift: all, reverse: all },
    },
  ],
  [
    String.prototype,
    {
      indexOf: searched,
      includes: all,
      slice: made,
      substring: made,
      trim: made,
      replace: all,
      replaceAll: all,
      split: all,
    },
  ],
];

/**
 * How much a piece of synchronous work does, the same on every machine: how often V8 entered each block of code, and
 * how many elements the native methods of arrays, texts, sets and maps went over.
 */
export function workOf(work: () => unknown): number {
  const native = countNative();
  const session = new Session();
  session.connect();
  try {
    session.post('Profiler.enable');
    session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    work();
    let blocks = 0;
    session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      if (error) throw error;
      for (const { functions } of coverage.result)
        for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
    });
    return blocks + native.elements();
  } finally {
    native.restore();
    session.post('Profiler.stopPreciseCoverage');
    session.disconnect();
  }
}

function countNative(): { elements(): number; restore(): void } {
  let elements = 0;
  const undo: (() => void)[] = [];
  const replace = (prototype: object, name: string | symbol, by: (original: Method) => Method) => {
    const known = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
    Object.defineProperty(prototype, name, { ...known, value: by(known.value) });
    undo.push(() => Object.defineProperty(prototype, name, known));
  };
  const counted =
    (count: Count) =>
    (original: Method): Method =>
      function (...values) {
        const result = original.apply(this, values);
        elements += count(this, values, result);
        return result;
      };
  const stepped = (original: Method): Method =>
    function (...values) {
      const iterator = original.apply(this, values) as IterableIterator<unknown>;
      const next = iterator.next.bind(iterator);
      return Object.assign(Object.create(iterator), {
        next: () => {
          elements++;
          return next();
        },
        [Symbol.iterator]() {
          return this;
        },
      });
    };
  for (const [prototype, counts] of lengthy)
    for (const [name, count] of Object.entries(counts)) replace(prototype, name, counted(count));
  for (const { prototype } of [Array, Set, Map]) replace(prototype, Symbol.iterator, stepped);
  for (const name of ['keys', 'values', 'entries'] as const) {
    for (const { prototype } of [Array, Set, Map]) replace(prototype, name, stepped);
  }
  return { elements: () => elements, restore: () => undo.reverse().forEach((one) => one()) };
}
