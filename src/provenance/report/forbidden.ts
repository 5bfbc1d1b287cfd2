import type { QueryImage } from '../image/query-image.ts';
import type { ImageTracer } from '../image/trace-image.ts';

/** What the data holds of an image that must not be trained on. */
export interface ForbiddenItem {
  readonly name: string;
  /** `same`: by hash of file or pixels; `near`: a near copy; `part`: a part of it lies in an image, or the other way round; `clear`: none. */
  readonly found: 'same' | 'near' | 'part' | 'clear';
  /** Ids of the images of the data. */
  readonly ids: readonly string[];
}

/** Looks for images of a do-not-train list: by hashes, then near copies, then common parts. */
export function findForbidden(
  tracer: ImageTracer,
  listed: readonly { readonly name: string; readonly query: QueryImage }[],
): ForbiddenItem[] {
  return listed.map(({ name, query }): ForbiddenItem => {
    const { membership, rankings } = tracer.trace(query);
    const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);
    if (membership.same.length > 0) return { name, found: 'same', ids: ids(membership.same) };
    if (membership.near.length > 0) return { name, found: 'near', ids: ids(membership.near) };
    const region = rankings.find(({ question }) => question === 'region');
    const parts = region?.items.filter(({ share }) => share > 0).map(({ item }) => item) ?? [];
    return { name, found: parts.length > 0 ? 'part' : 'clear', ids: ids(parts) };
  });
}

/** Images of the data whose file or pixels have one of some hashes. */
export function findHashes(
  items: readonly { readonly id: string; readonly hash: string; readonly content: string }[],
  hashes: readonly string[],
): ForbiddenItem[] {
  return hashes.map((hash): ForbiddenItem => {
    const found = items.filter((item) => item.hash === hash || item.content === hash).map(({ id }) => id);
    return { name: hash, found: found.length > 0 ? 'same' : 'clear', ids: found };
  });
}
