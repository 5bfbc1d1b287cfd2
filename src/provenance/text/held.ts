/** Values that are read when they are asked for and kept as far as some bytes go; those asked for longest ago go first. */
export function heldWithin<T>(
  memory: number,
  sizeOf: (index: number, value: T) => number,
  read: (index: number) => Promise<T>,
): (index: number) => Promise<T> {
  const kept = new Map<number, { readonly value: T; readonly size: number }>();
  let held = 0;
  return async (index) => {
    const known = kept.get(index);
    kept.delete(index);
    const value = known ? known.value : await read(index);
    const size = known ? known.size : sizeOf(index, value);
    if (!known) held += size;
    kept.set(index, { value, size });
    for (const [oldest, one] of kept) {
      if (held <= memory || oldest === index) break;
      kept.delete(oldest);
      held -= one.size;
    }
    return value;
  };
}
