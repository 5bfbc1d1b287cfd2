import type { Passes } from '../attribution/prepared.ts';
import type { EvaluationPlan } from '../explain/evaluation/evaluate.ts';
import { secondsLeft } from '../explain/evaluation/forecast.ts';
import { formatDuration, type Progress } from './progress.ts';

/** Says how far an evaluation has come, inside an explanation as well. */
export interface EvaluateProgress {
  /** An explanation was scored, or found among what is kept. */
  scored(explanation: { readonly done: number; readonly total: number; readonly reused: boolean }): void;
  update(passes: Readonly<Passes>): void;
}

/** Progress of what was planned: explanations scored, passes done of the most there may be, and {@link secondsLeft}. */
export function evaluateProgress(
  progress: Progress,
  { forecast, inputs, calibration }: Pick<EvaluationPlan, 'forecast' | 'inputs' | 'calibration'>,
  now: () => number = () => performance.now(),
): EvaluateProgress {
  const { explaining, scoring, seconds: forecastSeconds } = forecast;
  const most = explaining.most.forward + explaining.most.backward + scoring.forward + scoring.backward;
  let [last, done, total, computed, seconds, passes] = [now(), 0, 0, 0, 0, 0];
  const show = () => {
    const ofMost = most >= passes ? ` of at most ${most.toLocaleString('en')}` : '';
    const of = total > 0 ? `${done} of ${total} explanations, ` : '';
    const left =
      total > 0
        ? secondsLeft(forecast, inputs + calibration, { total, done, computed, seconds })
        : (forecastSeconds.least + forecastSeconds.most) / 2;
    const time = total === 0 || done < total ? `, about ${formatDuration(left)} left` : '';
    progress.update(total > 0 ? done / total : 0, () => `${of}${passes.toLocaleString('en')}${ofMost} passes${time}`);
  };
  return {
    scored({ reused, ...counted }) {
      [done, total] = [counted.done, counted.total];
      const took = (now() - last) / 1000;
      last = now();
      if (reused) return;
      computed++;
      seconds += took;
      show();
    },
    update({ forward, backward }) {
      passes = forward + backward;
      show();
    },
  };
}
