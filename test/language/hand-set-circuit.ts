import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordTokenizer } from '../../examples/language/tokenizer.ts';
import { areaUnderRoc } from '../../src/language/audit/estimates.ts';
import { twoRuns } from '../../src/language/circuit/circuit.ts';
import { ComponentProgram } from '../../src/language/circuit/component-program.ts';
import type { Corruption } from '../../src/language/circuit/corruption.ts';
import { edgeAttribution, type TwoRuns } from '../../src/language/circuit/edge-attribution.ts';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';
import { inductionCircuit, inductionEdges, inductionText, inductionWords } from './induction-circuit.ts';

/** Scores of 12: attention is sharp, as that of trained models is. */
const sharp = 12;

export interface HandSetCircuit {
  readonly language: LanguageModel;
  readonly ids: readonly (readonly number[])[];
  /** The corruption that changes nothing but the last token. */
  readonly lastToken: Corruption;
  readonly program: () => Promise<ComponentProgram>;
  /** Sizes of all edges, and the area under the ROC curve of the true ones. */
  readonly scored: (
    corruption: Corruption,
    steps: number,
  ) => Promise<{
    readonly program: ComponentProgram;
    readonly runs: TwoRuns;
    readonly sizes: Float64Array;
    readonly area: number;
  }>;
}

/** A model whose circuit is set by hand, with texts to look at; its files go into a folder. */
export async function openHandSetCircuit(
  folder: string,
  { seed, count, runtime }: { readonly seed: number; readonly count: number; readonly runtime: Runtime },
): Promise<HandSetCircuit> {
  const source = random(99 + seed);
  const texts = Array.from({ length: count }, () => inductionText(source));
  writeFileSync(join(folder, 'model.onnx'), encodeModel(inductionCircuit(sharp, seed)));
  writeFileSync(join(folder, 'tokenizer.json'), wordTokenizer(inductionWords));
  const language = await openLanguageModel(folder, { runtime });
  const ids = texts.map((text) => text.ids);
  const weights = texts.map(
    ({ answer, wrong }) =>
      new Map([
        [answer, 1],
        [wrong, -1],
      ]),
  );
  const program = () => ComponentProgram.open(language, { length: ids[0].length, weights });
  return {
    language,
    ids,
    lastToken: { kind: 'last-token', tokens: texts.map(({ otherLast }) => otherLast) },
    program,
    scored: async (corruption, steps) => {
      const opened = await program();
      const runs = await twoRuns(opened, ids, corruption);
      const { sizes } = await edgeAttribution(opened, runs, steps);
      const isTrue = opened.edges.edges.map(({ name }) => inductionEdges.includes(name));
      return { program: opened, runs, sizes, area: areaUnderRoc(sizes, isTrue) ?? Number.NaN };
    },
  };
}
