export * from '../nearest.ts';
export { type CsvOptions, readCsv, readJsonLines } from './csv.ts';
export { type Batch, batches, type Dataset, splitIndices, subset, takeRows, tensorDataset } from './dataset.ts';
export * from './datasets.ts';
export { writeAtomically, writeFolderAtomically } from './files.ts';
export * from './grid.ts';
export { type GuessedPreprocessing, guessPreprocessing } from './guess.ts';
export type { Guess } from './guessed.ts';
export * from './idx.ts';
export * from './image.ts';
export * from './image-input.ts';
export * from './load-model.ts';
export * from './npy.ts';
export * from './npz.ts';
export * from './parquet.ts';
export {
  type ImageInput,
  type InputPreprocessing,
  type Preprocessing,
  type PreprocessingText,
  preprocessingSchema,
  type TableInput,
  type TextInput,
} from './preprocessing.ts';
export * from './preprocessing-file.ts';
export { decodeText, readBytes, readText } from './read-file.ts';
export { type Kernel, kernels, resizeImage } from './resize.ts';
export * from './safetensors.ts';
export * from './table.ts';
export * from './table-file.ts';
export * from './table-input.ts';
