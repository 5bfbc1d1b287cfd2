// Explains in a worker, so that the page stays free. Ending the worker cancels, and gives its memory back.
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { explain, memoryFiles, openModel, renderPage } from 'wherefore/core';
import { createWebRuntime, decodeImage } from 'wherefore/web';
import type { Answer, Question } from './messages.ts';

const starting = createWebRuntime({ wasm });
const tell = (answer: Answer) => postMessage(answer);

async function answer({ files, model: name, image }: Question): Promise<void> {
  const model = await openModel(name, { runtime: await starting, files: memoryFiles(files), decodeImage });
  try {
    let most = 0;
    const found = await explain(model, image, {
      onPlanned: ({ explanations }) => {
        for (const one of explanations) most += one.most.forward + one.most.backward;
      },
      onProgress: ({ forward, backward }) => tell({ kind: 'progress', passes: forward + backward, most }),
    });
    tell({ kind: 'done', html: await renderPage(found) });
  } finally {
    await model.close();
  }
}

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  answer(data).catch((error: unknown) =>
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
