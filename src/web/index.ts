// What `import … from 'wherefore/web'` gives beside `wherefore/core`: a runtime and images for a browser.
export { decodeImage } from './decode-image.ts';
export { createWebRuntime, type WebRuntimeOptions } from './web-runtime.ts';
