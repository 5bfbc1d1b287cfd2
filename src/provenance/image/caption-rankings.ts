import { WhereforeError } from '../../errors.ts';
import { captionColumns, captionsOf } from './captions.ts';
import { fixedMatches } from './fixed-weights.ts';
import type { ImageIndex } from './image-index.ts';
import type { QueryImage } from './query-image.ts';
import { ranked } from './ranked.ts';
import { groupsOf, type ImageRanking, neighbours } from './ranking.ts';
import { wordScores } from './rankings.ts';

/** Options of a ranking by captions. */
export interface CaptionRankingOptions {
  readonly caption?: string;
  readonly most?: number;
  readonly groups?: readonly string[];
}

/** Images by the words of their captions. */
export function wordRanking(
  index: ImageIndex,
  prompt: string,
  { caption, most = 10, groups = [] }: CaptionRankingOptions,
): ImageRanking {
  const scores = wordScores(neededCaptions(index, caption), prompt);
  const order = ranked(scores, Math.max(most, neighbours)).filter((image) => scores[image] > 0);
  const sum = order.reduce((all, image) => all + scores[image], 0);
  return {
    question: 'words',
    items: order.slice(0, most).map((image) => ({
      item: index.items[image],
      score: scores[image],
      share: scores[image] / sum,
      components: { bm25: scores[image] },
    })),
    groups: Object.fromEntries(groups.map((name) => [name, groupsOf(index, name, order.slice(0, neighbours))])),
  };
}

/**
 * Images by the paper's fixed weights, among those with the captions nearest to the prompt; shares are cosines of pixels
 * over their sum among these, as its kernel has them. Source: arXiv 2504.01771.
 */
export function paperRanking(
  index: ImageIndex,
  query: QueryImage,
  prompt: string,
  { caption, most = 10, groups = [] }: CaptionRankingOptions,
): ImageRanking {
  const matches = fixedMatches(index.features, query, neededCaptions(index, caption), prompt);
  const sum = matches.reduce((all, { components }) => all + Math.max(0, components.cosine ?? 0), 0);
  const nearest = matches.slice(0, neighbours).map(({ image }) => image);
  return {
    question: 'paper',
    items: matches.slice(0, most).map(({ image, distance, components }) => ({
      item: index.items[image],
      score: -distance,
      share: sum > 0 ? Math.max(0, components.cosine ?? 0) / sum : 0,
      components: { distance, ...components },
    })),
    groups: Object.fromEntries(groups.map((name) => [name, groupsOf(index, name, nearest)])),
  };
}

function neededCaptions(index: ImageIndex, caption: string | undefined): readonly string[] {
  const captions = captionsOf(index, caption);
  if (captions) return captions;
  throw new WhereforeError('unknown-name', 'no column of the index holds captions', {
    where: index.folder,
    expected: captionColumns.join(', '),
    fix: 'index the images with --metadata FILE, and name the column with --caption',
  });
}
