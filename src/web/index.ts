// What `import … from 'wherefore/web'` gives beside `wherefore/core`: a runtime, images and downloads for a browser.
export { decodeImage } from './decode-image.ts';
export { type Download, type DownloadOptions, downloadFile } from './download.ts';
export { createWebRuntime, type WebRuntimeOptions } from './web-runtime.ts';
