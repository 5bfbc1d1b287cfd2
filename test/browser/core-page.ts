import {
  explain,
  type FileContent,
  float32,
  memoryFiles,
  openModel,
  parseDocument,
  renderPage,
} from '../../src/core.ts';
import { createSmallRuntime } from '../small-runtime.ts';

export const methods = ['gradient', 'integrated-gradients', 'deep-lift', 'lrp-epsilon', 'exact-shapley'] as const;

/** Explains a model in whatever realm this runs: opens its file, explains, checks the documents, draws the page. */
export async function explainInPage(bytes: Uint8Array) {
  const files = memoryFiles(
    new Map<string, FileContent>([
      ['models/dense.onnx', bytes],
      ['models/wherefore.yaml', new TextEncoder().encode('task: classification\nlabels: labels.txt\n')],
      ['models/labels.txt', new Blob(['oak\nbirch\nelm\n'])],
    ]),
  );
  const model = await openModel('models/dense.onnx', { runtime: createSmallRuntime(), files });
  const found = await explain(model, new Map([['x', float32([1, 4], [1, -2, 0.5, 3])]]), {
    target: { kind: 'classLogit', class: 1 },
    baseline: { kind: 'zero' },
    methods,
    layers: ['input'],
  });
  await files.write('run/index.html', await renderPage(found));
  return {
    hash: model.hash,
    documents: found.map(({ document }) => parseDocument(JSON.stringify(document), 'memory')),
    html: new TextDecoder().decode(await files.read('run/index.html', 'document')),
    realm: `${typeof process} ${typeof document}`,
  };
}
