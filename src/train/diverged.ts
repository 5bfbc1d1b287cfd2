import { WhereforeError } from '../errors.ts';

/** The error of a loss that is not a number. */
export function diverged(
  loss: number,
  { step, epoch, learningRate }: { readonly step: number; readonly epoch: number; readonly learningRate: number },
): WhereforeError {
  return new WhereforeError('not-finite', 'the loss is not a finite number', {
    where: `step ${step} (epoch ${epoch})`,
    got: `${loss} at learning rate ${learningRate}`,
    fix: 'lower the learning rate, clip the gradient (clipNorm), or look for values that are not finite in this batch',
  });
}
