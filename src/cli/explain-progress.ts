import type { Passes } from '../attribution/prepared.ts';
import type { Announced } from '../explain/explain-options.ts';
import { type Duration, type Speed, secondsOf } from '../explain/speed.ts';
import { formatDuration, type Progress } from './progress.ts';

/** A piece of work: an explanation, or its scoring. */
interface Piece {
  readonly what: string;
  readonly least: Passes;
  readonly most: Passes;
  readonly speed: Speed;
}

/** Says how far the explanations of a command have come, inside each of them as well. */
export interface ExplainProgress {
  start(piece: Piece): void;
  update(passes: Readonly<Passes>): void;
}

/** The forecast counts as so much of the work beside what was really taken: the first runs open sessions. */
const forecastShare = 0.1;

/**
 * Progress of what was announced: passes done of the most there may be, and the time left by what was really taken.
 * With the forecast `F` of all work at the least, the part `D` of it that is done in `t` seconds, and `R` that is still
 * to do, at the least and at the most, there are `R · (t + 0.1 F) / (D + 0.1 F)` seconds left.
 */
export function explainProgress(
  progress: Progress,
  { seconds }: Pick<Announced, 'seconds'>,
  now: () => number = () => performance.now(),
): ExplainProgress {
  const began = now();
  let piece: Piece | undefined;
  let passes: Passes = { forward: 0, backward: 0 };
  let finished = 0;
  const ahead = { ...seconds };
  return {
    start(next) {
      if (piece) finished += secondsOf(passes, piece.speed);
      for (const kind of ['least', 'most'] as const)
        ahead[kind] = Math.max(0, ahead[kind] - secondsOf(next[kind], next.speed));
      [piece, passes] = [next, { forward: 0, backward: 0 }];
    },
    update(counted) {
      if (!piece) return;
      passes = { ...counted };
      const { what, most, speed } = piece;
      const inPiece = secondsOf(passes, speed);
      const done = finished + inPiece;
      const still = (kind: keyof Duration, { [kind]: all }: Piece) =>
        ahead[kind] + Math.max(0, secondsOf(all, speed) - inPiece);
      const rest = { least: still('least', piece), most: still('most', piece) };
      const prior = forecastShare * seconds.least;
      const rate = (prior + (now() - began) / 1000) / (prior + done);
      const [count, all] = [passes.forward + passes.backward, most.forward + most.backward];
      const of = all >= count ? ` of at most ${all.toLocaleString('en')}` : '';
      progress.update(
        done / (done + (rest.least + rest.most) / 2),
        () => `${count.toLocaleString('en')}${of} passes, ${leftText(rate * rest.least, rate * rest.most)} (${what})`,
      );
    },
  };
}

function leftText(least: number, most: number): string {
  const [low, high] = [formatDuration(least), formatDuration(most)];
  if (low === high) return `about ${high} left`;
  return least === 0 ? `up to ${high} left` : `${low} to ${high} left`;
}
