import { additionQuestion, type Follower, places } from '../../examples/language/addition.ts';
import { localTextModel } from '../../src/language/generate/local-text-model.ts';
import { openLanguageModel } from '../../src/language/model/language-model.ts';
import { type ReasoningDependence, reasoningDependence } from '../../src/language/reasoning/reasoning.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';

/** Sums that no model was taught by. */
export function additionSums(count: number): (readonly [number, number])[] {
  const source = random(77);
  return Array.from({ length: count }, () => [source.integer(1000), source.integer(1000)] as const);
}

/** Tests whether a model that adds goes by its written steps; a mistake is another digit where a step writes one. */
export async function additionDependence(
  kind: Follower,
  { count, runtime }: { readonly count: number; readonly runtime: Runtime },
): Promise<ReasoningDependence> {
  const folder = `examples/language/models/addition-${kind}`;
  const language = await openLanguageModel(folder, { runtime });
  const model = localTextModel(language);
  try {
    return await reasoningDependence(
      model,
      additionSums(count).map(([a, b]) => additionQuestion(a, b)),
      {
        form: { stepEnd: ';', answerMark: ' #', answerEnd: '', maxTokens: 7 * places, answerTokens: places + 1 },
        mistake: (step, random) =>
          step.replace(/: (\d)/, (_, digit) => `: ${(Number(digit) + 1 + random.integer(9)) % 10}`),
        filler: '?',
      },
    );
  } finally {
    await model.close();
    await language.close();
  }
}
