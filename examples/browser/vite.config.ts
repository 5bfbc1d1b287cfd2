import { defineConfig } from 'vite';

// A worker of modules: what an explanation does not need is not loaded.
export default defineConfig({ worker: { format: 'es' } });
