import type { Files } from '../../data/files/file-access.ts';
import { textAt } from '../../data/files/file-text.ts';
import { parseTokenizer } from '../../data/inputs/tokenizer.ts';
import { openModel } from '../../data/model/open-model.ts';
import { fileName, parentOf, within } from '../../paths.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { inputRoles } from './input-roles.ts';
import type { LanguageModel } from './language-model.ts';
import { countOf, endsOf, type Settings, settingsOf } from './settings.ts';
import { withoutCache } from './without-cache.ts';

/**
 * A language model among files, as `openLanguageModel` opens a folder of Node: the model file, and beside it
 * `tokenizer.json`, `config.json` and `generation_config.json`. It writes no conversations: templates need Node.
 * @param path the model file
 * @param options.runtime stays open when the model is closed
 * @throws WhereforeError `file-not-found`, `unsupported-model`, and as `openModel`
 */
export async function openLanguageModelIn(
  files: Files,
  path: string,
  { runtime }: { readonly runtime: Runtime },
): Promise<LanguageModel> {
  const folder = parentOf(path);
  const there = new Set((await files.list(folder)).map(({ name }) => name));
  const settings = async (name: string): Promise<Settings> =>
    there.has(name) ? settingsOf(await textAt(files, within(folder, name), 'config'), within(folder, name)) : {};
  const [config, generation] = [await settings('config.json'), await settings('generation_config.json')];
  const tokenizerPath = within(folder, 'tokenizer.json');
  const json = await textAt(files, tokenizerPath, 'tokenizer');
  // Whoever cannot wait for the patterns of a tokenizer ends the worker.
  const tokenizer = await parseTokenizer(json, { where: tokenizerPath, within: (work) => ({ value: work() }) });
  const vocabularySize = countOf(config.vocab_size) ?? tokenizer.size;
  let caches: readonly string[] = [];
  const model = await openModel(path, {
    runtime,
    files,
    prepare: (decoded) => {
      const found = withoutCache(decoded, vocabularySize);
      caches = found.caches;
      return found.model;
    },
  });
  const left = `the file's ${caches.length} inputs for keys and values of the past were left out`;
  return {
    name: fileName(folder) || model.name,
    folder,
    model,
    tokenizer,
    roles: inputRoles(model.graph, Math.min(vocabularySize, tokenizer.size)),
    logits: model.graph.outputs[0].name,
    longest: model.beside?.config?.longest,
    ends: endsOf([generation.eos_token_id, config.eos_token_id], tokenizer),
    notes: caches.length === 0 ? [] : [left],
    close: () => model.close(),
  };
}
