/** The value of an object, made the first time it is asked for. */
export type Memo<K extends object, V> = (key: K) => V;

/** Remembers what `make` gives for each object, as long as the object is kept: `undefined` included. */
export function memo<K extends object, V>(make: (key: K) => V): Memo<K, V> {
  const known = new WeakMap<K, { readonly value: V }>();
  return (key) => {
    let found = known.get(key);
    if (!found) known.set(key, (found = { value: make(key) }));
    return found.value;
  };
}

/** The value of an object under a name, made the first time it is asked for. */
export type NamedMemo<K extends object, V> = (key: K, name: string, make: () => V) => V;

/**
 * Remembers values for pairs of an object and a name, such as a graph and a question. A promise that is rejected is
 * forgotten, so that the next caller tries again.
 */
export function namedMemo<K extends object, V>(): NamedMemo<K, V> {
  const valuesOf = memo((_: K) => new Map<string, V>());
  return (key, name, make) => {
    const values = valuesOf(key);
    if (values.has(name)) return values.get(name) as V;
    const value = make();
    values.set(name, value);
    if (value instanceof Promise) value.catch(() => values.delete(name));
    return value;
  };
}
