import { describe, expect, it } from 'vitest';
import { keepsOrder, movesFirst, operators, operatorsThat, rearranges, traitsOf } from './operators.ts';

const all = Object.keys(operators);
const words = (text: string) => text.split(' ').sort();

describe('the table of operators', () => {
  it('says nothing of an operator that it does not hold, whatever its name', () => {
    expect(traitsOf('Unheard')).toEqual({});
    expect(traitsOf('constructor')).toEqual({});
    expect(keepsOrder('toString')).toBe(false);
  });

  it('knows what moves elements', () => {
    expect(all.filter(keepsOrder).sort()).toEqual(words('Dropout Flatten Identity Reshape Squeeze Unsqueeze'));
    expect(all.filter(rearranges).sort()).toEqual(
      words(
        'Cast CastLike DepthToSpace Dropout Flatten Identity Reshape ReverseSequence SpaceToDepth Squeeze Transpose Unsqueeze',
      ),
    );
    expect(all.filter(movesFirst).sort()).toEqual(
      words(
        'DepthToSpace Dropout Expand Flatten Gather GatherElements GatherND Identity Reshape ReverseSequence Slice SpaceToDepth Split Squeeze Tile Transpose Unsqueeze',
      ),
    );
  });

  it('agrees with itself', () => {
    const wrong = Object.entries(operators).flatMap(([key, of]) => {
      const { gradient, moves, converts, rectifier, elementwise, output, sumOfProducts, linear } = traitsOf(key);
      const isWrong =
        (converts && !moves) ||
        (rectifier && !elementwise) ||
        (sumOfProducts && linear !== 'each') ||
        // Truth values and sizes have no derivative.
        (output && gradient === 'rule') ||
        (moves && gradient !== 'rule');
      return isWrong ? [`${key}: ${JSON.stringify(of)}`] : [];
    });
    expect(wrong).toEqual([]);
  });

  it('answers questions by its traits', () => {
    expect([...operatorsThat(({ maximum }) => maximum === true)].sort()).toEqual(
      words('GlobalMaxPool MaxPool ReduceMax'),
    );
    expect([...operatorsThat(({ dataDependentShape }) => dataDependentShape === true)].sort()).toEqual(
      words('Compress NonMaxSuppression NonZero RegexFullMatch StringSplit Unique'),
    );
  });
});
