import type { InfluenceDocument } from './influence-document.ts';
import { type MeasuredQuery, measuredText, unitOf } from './slices/measured-query.ts';

/** Whether f is measured on many rows. */
export const isMeasured = (query: InfluenceDocument['query']): query is MeasuredQuery => 'kind' in query;

/** f in words, as it stands in a sentence. */
export const textOfF = ({ query, classes }: Pick<InfluenceDocument, 'query' | 'classes'>): string =>
  isMeasured(query)
    ? measuredText(query, classes)
    : `log-probability of ${classes[query.target] ?? String(query.target)}`;

/** The unit of f. */
export const unitOfF = ({ query }: Pick<InfluenceDocument, 'query'>): string =>
  isMeasured(query) ? unitOf(query) : 'nats';
