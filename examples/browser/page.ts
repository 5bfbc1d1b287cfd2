import type { Answer, Question } from './messages.ts';
import workerAddress from './worker.ts?worker&url';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [explain, cancel] = [element<HTMLButtonElement>('explain'), element<HTMLButtonElement>('cancel')];
const [status, save, page] = [
  element('status'),
  element<HTMLAnchorElement>('save'),
  element<HTMLIFrameElement>('page'),
];

// The only two places that `require-trusted-types-for 'script'` asks about: our own worker, and the page in its sandbox.
const trusted = globalThis.trustedTypes?.createPolicy('explanation', {
  createScriptURL: () => workerAddress,
  createHTML: (html) => html,
});

const start = () => new Worker(trusted?.createScriptURL(workerAddress) ?? workerAddress, { type: 'module' });
let worker = start();

function say(text: string, isBusy: boolean): void {
  status.textContent = text;
  explain.disabled = isBusy;
  cancel.disabled = !isBusy;
}

function listen(): void {
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    if (data.kind === 'progress') say(`${data.passes} of at most ${data.most} passes through the model`, true);
    else if (data.kind === 'failed') say(data.message, false);
    else {
      say('Done.', false);
      page.srcdoc = trusted?.createHTML(data.html) ?? data.html;
      URL.revokeObjectURL(save.href);
      save.href = URL.createObjectURL(new Blob([data.html], { type: 'text/html' }));
      save.hidden = false;
    }
  };
  worker.onerror = ({ message }) => say(message || 'The worker did not start.', false);
}
listen();

document.querySelector('form')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const files = [...(element<HTMLInputElement>('model').files ?? [])];
  const model = files.find(({ name }) => name.endsWith('.onnx'));
  const image = element<HTMLInputElement>('image').files?.[0];
  if (!model || !image) return say('Choose a .onnx file and an image.', false);
  say('Opening the model …', true);
  const byName = new Map([...files, image].map((file) => [file.name, file]));
  worker.postMessage({ files: byName, model: model.name, image: image.name } satisfies Question);
});

cancel.addEventListener('click', () => {
  worker.terminate();
  worker = start();
  listen();
  say('Cancelled.', false);
});
