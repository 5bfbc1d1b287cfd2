export { type Batch, type BatchOptions, batches, bytesOfRows } from './batches.ts';
export { type ByteBudget, ByteCache } from './byte-cache.ts';
export { concat } from './concat.ts';
export type { ColumnValue, Dataset, PassOptions, Rows } from './dataset.ts';
export { type DatasetSource, defineDataset } from './define-dataset.ts';
export { datasetOf, type InMemoryOptions } from './in-memory.ts';
export { shuffle, split, splitBy, splitIndices, subset } from './select.ts';
