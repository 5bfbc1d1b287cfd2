/** Rows of each sign that `rowKinds` sorts: the strongest, which hold this share of the sum of their scores, and no more than so many. */
export const sortedRows = { share: 0.9, most: 200 } as const;
