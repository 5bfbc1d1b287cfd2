export * from '../nearest.ts';
export type { DatasetOptions } from './datasets/dataset-options.ts';
export { type DatasetInput, pixelDataset, tableDataset } from './datasets/in-memory.ts';
export { inspectDataset } from './datasets/inspect/inspect-dataset.ts';
export { type OpenedDataset, openDataset } from './datasets/open-dataset.ts';
export { writeAtomically, writeFolderAtomically } from './files/files.ts';
export { decodeText, readBytes, readText } from './files/read-file.ts';
export { type CsvOptions, readCsv, readJsonLines } from './formats/csv.ts';
export * from './formats/idx.ts';
export * from './formats/image.ts';
export * from './formats/npy.ts';
export * from './formats/npz.ts';
export * from './formats/parquet.ts';
export { type Kernel, kernels, resizeImage } from './formats/resize.ts';
export * from './formats/safetensors.ts';
export * from './formats/table.ts';
export * from './formats/table-file.ts';
export { type GuessedPreprocessing, guessPreprocessing } from './guess/guess.ts';
export type { Guess } from './guess/guessed.ts';
export * from './inputs/grid.ts';
export * from './inputs/image-input.ts';
export * from './inputs/table-input.ts';
export * from './model/load-model.ts';
export type { LoadedModel } from './model/loaded-model.ts';
export {
  type ImageInput,
  type InputPreprocessing,
  type Preprocessing,
  type PreprocessingText,
  preprocessingSchema,
  type TableInput,
  type TextInput,
} from './model/preprocessing.ts';
export { formatPreprocessing, parsePreprocessing } from './model/preprocessing-text.ts';
