import { basename, dirname, join, resolve } from 'node:path';
import { hashOfFile } from '../../data/files/file-hash.ts';
import { folderEntries, isFile, isFolder } from '../../data/files/folders.ts';
import { readBytes, readText } from '../../data/files/read-file.ts';
import type { Tokenizer } from '../../data/inputs/tokenizer.ts';
import { readTokenizer } from '../../data/inputs/tokenizer-file.ts';
import { chosenModel, encoderName } from '../../data/model/chosen-model.ts';
import { type LoadModelOptions, loadModel } from '../../data/model/load-model.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import { WhereforeError } from '../../errors.ts';
import { decodeModel } from '../../onnx/decode.ts';
import type { Graph, OnnxModel } from '../../onnx/graph.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { withParameters } from '../../train/parameters.ts';
import { type ChatTemplate, chatTemplateOf } from './chat-template.ts';
import { type DecoderPart, decoderStart, joinedModel } from './encoder-decoder.ts';
import { type InputRoles, inputRoles } from './input-roles.ts';
import { countOf, endsOf, settingsOf } from './settings.ts';
import { unrounded } from './unrounded.ts';
import { withoutCache } from './without-cache.ts';

/** A language model that runs here: its graph without a cache, its tokenizer, and what its folder says. */
export interface LanguageModel {
  readonly name: string;
  readonly folder: string;
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer;
  readonly roles: InputRoles;
  /** The output with a number for each token of the vocabulary at each position. */
  readonly logits: string;
  /** Of an encoder–decoder, what writes: prompts go to the encoder. */
  readonly decoder?: DecoderPart;
  /** Longest text in tokens, where the folder says so. */
  readonly longest?: number;
  /** How a conversation is written for the model; undefined where it was not trained on any. */
  readonly chatTemplate?: ChatTemplate;
  /** Tokens that end a text. */
  readonly ends: ReadonlySet<number>;
  /** What a reader should know of how the model was opened. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export interface OpenLanguageModelOptions
  extends Pick<LoadModelOptions, 'runtime' | 'threads' | 'isolation' | 'memory' | 'timeLimit'> {
  /** The model file in the folder, where it holds several. */
  readonly file?: string;
  /** Path of its `tokenizer.json`; default: the one in the folder. */
  readonly tokenizer?: string;
  /** Other weights than those of the file, by their names there, as at another moment of its training. */
  readonly weights?: {
    readonly name: string;
    /** What they are told apart by, beside the hash of the file. */
    readonly hash: string;
    readonly tensors: ReadonlyMap<string, Tensor>;
  };
}

/**
 * Opens a language model from a folder in the layout of Hugging Face: `model.onnx` (or `onnx/model.onnx`, or the only
 * `.onnx` file), `tokenizer.json`, and, if they are there, `config.json`, `generation_config.json` and
 * `tokenizer_config.json`. Models with a cache of keys and values are opened without it; a decoder beside an
 * `encoder_model.onnx` is opened with it.
 * @param path the folder, or a model file in it
 * @throws WhereforeError `file-not-found`, `unsupported-model`, and as {@link loadModel}
 * @example
 * const language = await openLanguageModel('stories260k');
 * await language.close();
 */
export async function openLanguageModel(path: string, options: OpenLanguageModelOptions = {}): Promise<LanguageModel> {
  const file = await modelFile(path, options.file);
  const folder = basename(dirname(file)) === 'onnx' ? dirname(dirname(file)) : dirname(file);
  const folders = [dirname(file), folder];
  const tokenizerPath = options.tokenizer ?? (await firstFile(folders, 'tokenizer.json'));
  if (tokenizerPath === undefined) {
    throw new WhereforeError('file-not-found', 'the folder has no tokenizer', {
      where: folder,
      expected: 'tokenizer.json',
      fix: 'put the tokenizer.json of the model beside it, or name it',
    });
  }
  const tokenizer = await readTokenizer(tokenizerPath);
  const config = await settings(folders, 'config.json');
  const generation = await settings(folders, 'generation_config.json');
  const tokenizing = await settings(folders, 'tokenizer_config.json');
  const jinja = await firstFile(folders, 'chat_template.jinja');
  const template = jinja && (await readText(jinja, 'config', { inside: folders }));
  const vocabularySize = countOf(config.vocab_size) ?? tokenizer.size;
  const { file: _, tokenizer: __, weights, ...loading } = options;
  const encoderFile = /^decoder/.test(basename(file)) ? await firstFile([dirname(file)], encoderName) : undefined;
  const encoderBytes = encoderFile && (await readBytes(encoderFile, 'model'));
  const encoder = encoderBytes && decodeModel(encoderBytes, { fileName: encoderName });
  const start = encoder ? decoderStart([generation, config], folder) : [];
  let caches: readonly string[] = [];
  let decoder: DecoderPart | undefined;
  let isRounded = false;
  const withoutRounding = (of: OnnxModel): OnnxModel => {
    const graph = unrounded(of.graph);
    isRounded ||= graph !== of.graph;
    return graph === of.graph ? of : { ...of, graph };
  };
  const loaded = await loadModel(file, {
    ...loading,
    prepare: (decoded) => {
      const found = withoutCache(weights ? withParameters(decoded, weights.tensors) : decoded, vocabularySize);
      caches = found.caches;
      const read = withoutRounding(found.model);
      if (!encoder) return read;
      const { model, part } = joinedModel(withoutRounding(encoder), read, Math.min(vocabularySize, tokenizer.size));
      decoder = { ...part, start };
      return model;
    },
  });
  const besides = [...(encoderBytes ? [hashOfFile([encoderBytes])] : []), ...(weights ? [weights.hash] : [])];
  const model = besides.length > 0 ? { ...loaded, hash: contentHash([loaded.hash, ...besides]) } : loaded;
  try {
    return {
      name: weights?.name ?? basename(folder),
      folder,
      model,
      tokenizer,
      roles: inputRoles(encoderInputs(model.graph, decoder), Math.min(vocabularySize, tokenizer.size)),
      decoder,
      logits: model.graph.outputs[0].name,
      longest: model.beside?.config?.longest,
      chatTemplate: chatTemplateOf(tokenizing, template, folder),
      ends: endsOf([generation.eos_token_id, config.eos_token_id], tokenizer),
      notes: [
        ...(caches.length > 0
          ? [`the file's ${caches.length} inputs for keys and values of the past were left out`]
          : []),
        ...(isRounded ? [roundedNote] : []),
      ],
      close: () => model.close(),
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** What a reader should know of a model of dynamic quantisation. */
const roundedNote =
  'the file rounds activations to 8 bits by the largest number of the whole text; here they are as they are, and the weights are those of the file';

/** The graph as its encoder sees it: without what the decoder has written. */
const encoderInputs = (graph: Graph, decoder: DecoderPart | undefined): Graph =>
  decoder ? { ...graph, inputs: graph.inputs.filter(({ name }) => name !== decoder.ids) } : graph;

/** The model file of a folder. @throws WhereforeError `file-not-found`, `invalid-argument` for several */
export async function modelFile(path: string, named: string | undefined): Promise<string> {
  if (await isFile(path)) {
    if (path.endsWith('.onnx')) return resolve(path);
    throw new WhereforeError('invalid-argument', 'this file is no model', {
      where: path,
      expected: 'a folder with model.onnx and tokenizer.json, or an .onnx file in one',
      fix: 'name the folder of the model',
    });
  }
  if (!(await isFolder(path))) {
    throw new WhereforeError('file-not-found', 'there is no such folder', {
      where: path,
      expected: 'a folder with model.onnx and tokenizer.json',
      fix: 'check the path',
    });
  }
  const folder = resolve(path);
  const files: string[] = [];
  for (const place of ['', 'onnx/'])
    if (await isFolder(join(folder, place)))
      for (const { name, isFolder } of await folderEntries(join(folder, place)))
        if (!isFolder) files.push(`${place}${name}`);
  return join(folder, chosenModel(files, named, path));
}

/** The first of some folders that holds a file of this name. */
export async function firstFile(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) if (await isFile(join(folder, name))) return join(folder, name);
  return undefined;
}

/** A file of settings as an object; an empty one where it is not there. */
async function settings(folders: readonly string[], name: string): Promise<Readonly<Record<string, unknown>>> {
  const path = await firstFile(folders, name);
  if (path === undefined) return {};
  const text = await readText(path, 'config', { inside: folders });
  return settingsOf(text, path);
}
