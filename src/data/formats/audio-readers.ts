import type { Audio } from './audio.ts';

type AudioReader = (bytes: Uint8Array, where: string) => Promise<Audio>;

const wav: AudioReader = async (bytes, where) => (await import('./wav.ts')).readWav(bytes, where);

/** Readers of recordings, by the file's ending; each is loaded with the first file of its kind. */
export const audioReaders: Readonly<Record<string, AudioReader>> = {
  '.wav': wav,
  '.wave': wav,
  '.flac': async (bytes, where) => (await import('./flac.ts')).readFlac(bytes, where),
};
