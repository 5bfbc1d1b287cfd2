import { afterAll, describe, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { openLanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('facts of a graph that is not run', () => {
  it.each(['llama', 'qwen', 'gemma', 'phi', 'gpt2', 'encoder'])('are those of a run: %s', async (name) => {
    const language = await openLanguageModel(`${languageFixtures}/${name}`, { tokenizer: byteTokenizerPath, runtime });
    const { executor, graph } = language.model;
    const feeds = feedsOf(language, [Array.from({ length: 20 }, (_, i) => i + 3)]);
    const run = await executor.specialise(graph, feeds);
    const once = executor.runOnce.bind(executor);
    executor.runOnce = (part, given, wanted, options) => {
      // Nothing that depends on the input is run.
      expect(given.size).toBe(0);
      return once(part, given, wanted, options);
    };
    // Facts are kept by graph: another one of the same nodes.
    const followed = await executor.specialise({ ...graph }, feeds, { frugal: true });
    for (const [value, shape] of run.facts.shapes)
      expect([value, followed.facts.shapes.get(value)]).toEqual([value, shape]);
    const made = (of: typeof run) => of.graph.nodes.map(({ outputs }) => outputs[0]);
    expect(made(followed)).toEqual(made(run));
    await language.close();
  });
});
