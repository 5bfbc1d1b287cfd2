import { expect, it } from 'vitest';
import { languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { openLanguageModel } from '../../language/model/language-model.ts';
import { why } from '../../language/why/why.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { renderWhyPage } from './why-page.ts';

it('begins with sentences where there are three, else with the parts that are left out', async () => {
  const runtime = createNodeRuntime({ threads: 1 });
  const language = await openLanguageModel(`${languageFixtures}/masked`, { runtime });
  const viewOf = async (prompt: string) => {
    const document = await why(language, { prompt, methods: ['gradient'], sets: 8 });
    return /data-kind="(\w+)" aria-pressed="true"/.exec(renderWhyPage(document))?.[1];
  };
  expect(await viewOf('the [MASK] sat on the mat.')).toBe('word');
  expect(await viewOf('A cat slept. A dog sat. A bird slept. The [MASK] sat.')).toBe('sentence');
  await language.close();
  await runtime.close();
});
