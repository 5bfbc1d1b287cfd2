import * as z from 'zod/mini';
import { arithmetic, influenceMethod } from '../method.ts';

/** Methods that compare representations. */
export const similarityMethods = {
  similarity: influenceMethod({
    title: 'Similarity of representations',
    formula: '±cos(h_i, h_t), − where the labels differ; or h_i·h_t, or 1/(1 + ‖h_i − h_t‖)',
    source: 'definition; Hanawa et al.: Evaluation of Similarity-based Explanations. ICLR 2021',
    family: 'similarity',
    needs: ['embeddings', 'labels'],
    unit: 'cosine, −1 to 1 (dot: squared units of h; l2: 0 to 1)',
    sign: 'positive: alike with the same label; negative: alike with another',
    question: 'this model',
    readsQuery: true,
    readsLabels: true,
    additive: false,
    parameters: z.strictObject({
      measure: z._default(z.enum(['cosine', 'dot', 'l2']), 'cosine'),
      signed: z._default(z.boolean(), true),
    }),
    cost: ({ rows, queries, width }) => arithmetic(rows * queries * width),
    load: async () => (await import('./similarity.ts')).similarity,
  }),
  'knn-shapley': influenceMethod({
    title: 'KNN-Shapley',
    formula: 's_i = s_{i+1} + (1[y_i = y] − 1[y_{i+1} = y])/K · min(K, i)/i, s_N = 1[y_N = y]·min(K, N)/(K·N)',
    source: 'Jia et al.: Efficient Task-Specific Data Valuation for Nearest Neighbor Algorithms. VLDB 2019',
    family: 'shapley',
    needs: ['embeddings', 'labels'],
    unit: 'share of the K votes for the label of the query',
    sign: 'positive: votes for the label of the query',
    question: 'the data',
    readsQuery: true,
    readsLabels: true,
    additive: true,
    parameters: z.strictObject({ k: z._default(z.int().check(z.positive()), 5) }),
    cost: ({ rows, queries, width }) => arithmetic(rows * queries * (width + Math.log2(rows + 1)), rows * 256 * 8),
    load: async () => (await import('./knn-shapley.ts')).knnShapley,
  }),
};
