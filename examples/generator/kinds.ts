/** The generators, so that what is shown does not rest on one family. */
export const kinds = ['transformer', 'diffusion'] as const;

export type GeneratorKind = (typeof kinds)[number];

/** @throws Error for another word */
export function kindOf(word: string): GeneratorKind {
  const kind = kinds.find((one) => one === word);
  if (kind) return kind;
  throw new Error(`there is no generator "${word}": ${kinds.join(', ')}`);
}
