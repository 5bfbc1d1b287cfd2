/** Explanations that are scored at the same time: while the runtime computes for one, points of another are made. */
export const scoredAtOnce = 4;

/**
 * Does some work for every item, several at the same time, and gives the results in the order of the items. After an
 * error no other item is begun; it is thrown when those under way have ended.
 */
export async function atOnce<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const errors: unknown[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length && errors.length === 0) {
      const index = next++;
      try {
        results[index] = await work(items[index], index);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: most }, lane));
  if (errors.length) throw errors[0];
  return results;
}
