export * from '../nearest.ts';
export type { DatasetOptions } from './datasets/dataset-options.ts';
export { type DatasetInput, pixelDataset, tableDataset } from './datasets/in-memory.ts';
export { inspectDataset } from './datasets/inspect/inspect-dataset.ts';
export { type OpenedDataset, openDataset } from './datasets/open-dataset.ts';
export { decodeText } from './files/file-text.ts';
export { writeAtomically, writeFolderAtomically } from './files/files.ts';
export { readBytes, readText } from './files/read-file.ts';
export { type CsvOptions, readCsv, readJsonLines } from './formats/csv.ts';
export * from './formats/idx.ts';
export * from './formats/image.ts';
export * from './formats/npy.ts';
export * from './formats/npz.ts';
export { readParquet } from './formats/parquet.ts';
export * from './formats/parquet-write.ts';
export { type Kernel, kernels, resizeImage } from './formats/resize.ts';
export * from './formats/safetensors.ts';
export {
  type Column,
  type ColumnKind,
  type ColumnOptions,
  columnNamed,
  type NumberColumn,
  type Table,
  type TextColumn,
  tableRows,
  withoutColumns,
} from './formats/table.ts';
export * from './formats/table-file.ts';
export { type GuessedPreprocessing, guessPreprocessing } from './guess/guess.ts';
export type { Guess } from './guess/guessed.ts';
export * from './hub/hub.ts';
export * from './inputs/grid.ts';
export * from './inputs/image-input.ts';
export * from './inputs/table-input.ts';
export * from './model/load-model.ts';
export type { LoadedModel } from './model/loaded-model.ts';
export type { NamedFiles } from './model/named-beside.ts';
export {
  type ImageInput,
  type InputPreprocessing,
  type Preprocessing,
  type PreprocessingText,
  preprocessingSchema,
  type TableInput,
  type TextInput,
} from './model/preprocessing.ts';
export { formatPreprocessing, parsePreprocessing } from './model/preprocessing-yaml.ts';

// Types that these signatures name

export type { Isolation } from '../runtime/node.ts';
export type { FileKindName } from './files/file-kinds.ts';
export type { WriteEntry } from './files/files.ts';
export type { ReadOptions } from './files/open-file.ts';

// Types that these signatures name

export type { ByteBudget } from '../dataset/byte-cache.ts';
export type { ColumnValue, Dataset, PassOptions, Rows } from '../dataset/dataset.ts';
export type { ContentKind, Contents } from './datasets/contents.ts';
export type { DatasetDescription } from './datasets/dataset-description.ts';
export type { ImageRows } from './datasets/image-rows.ts';
export type { ColumnSummary } from './datasets/inspect/column-statistics.ts';
export type { DuplicateGroup, Duplicates } from './datasets/inspect/duplicates.ts';
export type { BrokenRow, DatasetInspection, InspectDatasetOptions } from './datasets/inspect/inspection.ts';
export type { ColumnInfo, TableRows } from './datasets/table-rows.ts';
export type { TensorRows } from './datasets/tensor-rows.ts';
