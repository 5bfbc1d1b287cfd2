import { join, posix } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { decodeModel } from '../../onnx/decode.ts';
import { readBytes } from '../files/read-file.ts';
import { chosenModel, encoderName } from '../model/chosen-model.ts';
import { externalFiles } from '../model/external-files.ts';
import { downloadFile, type HubFile } from './download-file.ts';
import { type HubAccess, hubAccess } from './hub-request.ts';
import { type HubReference, hubReferenceText, parseHubReference } from './reference.ts';
import { hubFolder, openRepository, type Repository } from './repository.ts';

/** How far a download is. */
export interface DownloadProgress {
  /** The file, as a path in its repository. */
  readonly file: string;
  /** Bytes that are there, those of an earlier attempt among them. */
  readonly received: number;
  readonly total: number | undefined;
}

export interface DownloadOptions {
  /** The model file, where the repository holds several. */
  readonly file?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Milliseconds without a byte after which a connection counts as cut. Default 30,000. */
  readonly patience?: number;
}

/** What is read beside a model, in its folder and the one around it. */
const beside = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'preprocessor_config.json',
  'labels.txt',
  'labels.json',
  'wherefore.yaml',
];

/**
 * Downloads a model of the Hugging Face hub with what is read beside it (weights, tokenizer, settings), and gives the
 * path of its `.onnx` file. What is there is not downloaded again; what was cut off goes on; every file is checked against
 * the checksum that the hub gives. Of the environment: `HF_ENDPOINT` (a mirror), `HF_TOKEN` (sent to the hub alone),
 * `HF_HUB_OFFLINE` (no network), `WHEREFORE_HUB` (where models are kept; default `wherefore/hub` in the user's folder for
 * caches).
 * @param reference `hf:owner/name`, `hf:owner/name@revision` or `hf:owner/name@revision/file`
 * @throws WhereforeError `invalid-argument` for another form, `file-not-found` for what the hub does not have, `endpoint`
 * where it cannot be used, `invalid-data` for a wrong checksum, `file-unwritable`, `cancelled`
 */
export async function downloadModel(reference: string, options: DownloadOptions = {}): Promise<string> {
  const named = parseHubReference(reference);
  const { env } = process;
  const access = hubAccess(env, { signal: options.signal, patience: options.patience ?? 30_000 });
  const repository = await openRepository(named, access, hubFolder(env));
  const fetched = new Fetched(named, repository, access, options);
  const paths = repository.files.map(({ path }) => path);
  const where = hubReferenceText({ ...named, file: undefined });
  const chosen = named.file ?? chosenModel(paths, options.file, where);
  const path = await fetched.get(chosen);
  if (!chosen.endsWith('.onnx')) return path;
  const folder = posix.dirname(chosen);
  const around = posix.basename(folder) === 'onnx' ? [folder, posix.dirname(folder)] : [folder];
  for (const name of beside) for (const at of around) await fetched.ifThere(posix.join(at, name));
  await fetched.weightsOf(chosen);
  const encoder = posix.join(folder, encoderName);
  if (/^decoder/.test(posix.basename(chosen)) && paths.includes(encoder)) {
    await fetched.get(encoder);
    await fetched.weightsOf(encoder);
  }
  return path;
}

/** Files of a repository, one after the other. */
class Fetched {
  readonly #named: HubReference;
  readonly #repository: Repository;
  readonly #access: HubAccess;
  readonly #options: DownloadOptions;

  constructor(named: HubReference, repository: Repository, access: HubAccess, options: DownloadOptions) {
    this.#named = named;
    this.#repository = repository;
    this.#access = access;
    this.#options = options;
  }

  /** @throws WhereforeError `file-not-found` */
  async get(path: string): Promise<string> {
    const { files } = this.#repository;
    const file = files.find((one) => one.path === path);
    if (file) return this.#download(file);
    throw new WhereforeError('file-not-found', 'the model has no such file', {
      where: hubReferenceText({ ...this.#named, file: path }),
      guess: nearest(
        path,
        files.map((one) => one.path),
      ),
      fix: 'check the name of the file',
    });
  }

  async ifThere(path: string): Promise<void> {
    const file = this.#repository.files.find((one) => one.path === path);
    if (file) await this.#download(file);
  }

  /** The files in which a model keeps its weights, by its own account. */
  async weightsOf(path: string): Promise<void> {
    const bytes = await readBytes(join(this.#repository.folder, path), 'model');
    const model = decodeModel(bytes, { fileName: posix.basename(path) });
    for (const [name] of externalFiles(model))
      if (name !== posix.basename(path)) await this.get(posix.join(posix.dirname(path), name));
  }

  async #download(file: HubFile): Promise<string> {
    const { folder, commit } = this.#repository;
    const { owner, name } = this.#named;
    const target = join(folder, file.path);
    const base = this.#access.endpoint.href.replace(/\/$/, '');
    const way = file.path.split('/').map(encodeURIComponent).join('/');
    const url = new URL(`${base}/${owner}/${name}/resolve/${commit}/${way}`);
    const onBytes = (received: number, total: number | undefined) =>
      this.#options.onProgress?.({ file: file.path, received, total });
    const of = hubReferenceText({ ...this.#named, file: file.path });
    await downloadFile(file, { access: this.#access, url, of, target, onBytes });
    return target;
  }
}
