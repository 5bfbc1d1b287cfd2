/**
 * The entry of a table under a name that comes from a file or a person; undefined where it has none. Plain indexing also
 * finds what every object inherits: `constructor`, `toString`, `__proto__`.
 */
export function lookup<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
