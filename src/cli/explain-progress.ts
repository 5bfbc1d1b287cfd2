import type { Passes } from '../attribution/prepared.ts';
import type { Announced } from '../report/explain.ts';
import { type Speed, secondsOf } from '../report/speed.ts';
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
 * With the forecast `F` of all work, the part `D` of it that is done in `t` seconds, and `R` that is still to do, there
 * are `R · (t + 0.1 F) / (D + 0.1 F)` seconds left.
 */
export function explainProgress(
  progress: Progress,
  { seconds }: Pick<Announced, 'seconds'>,
  now: () => number = () => performance.now(),
): ExplainProgress {
  const began = now();
  const forecast = (seconds.least + seconds.most) / 2;
  let piece: Piece | undefined;
  let passes: Passes = { forward: 0, backward: 0 };
  let [finished, ahead] = [0, forecast];
  const expected = ({ least, most, speed }: Piece) => (secondsOf(least, speed) + secondsOf(most, speed)) / 2;
  const current = ({ most, speed, ...rest }: Piece) => {
    const done = secondsOf(passes, speed);
    const middle = expected({ most, speed, ...rest });
    return { done, left: Math.max(0, (done < middle ? middle : secondsOf(most, speed)) - done) };
  };
  return {
    start(next) {
      if (piece) finished += current(piece).done;
      ahead = Math.max(0, ahead - expected(next));
      [piece, passes] = [next, { forward: 0, backward: 0 }];
    },
    update(counted) {
      if (!piece) return;
      passes = { ...counted };
      const { what, most } = piece;
      const { done, left } = current(piece);
      const rest = ahead + left;
      const prior = forecastShare * forecast;
      const rate = (prior + (now() - began) / 1000) / (prior + finished + done);
      const [count, all] = [passes.forward + passes.backward, most.forward + most.backward];
      const of = all >= count ? ` of at most ${all.toLocaleString('en')}` : '';
      progress.update(
        (finished + done) / (finished + done + rest),
        () => `${count.toLocaleString('en')}${of} passes, about ${formatDuration(rate * rest)} left (${what})`,
      );
    },
  };
}
