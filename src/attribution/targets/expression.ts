import { WhereforeError } from '../../errors.ts';

/** A place or a range along an axis of an output; the batch axis is left out, negative numbers count from the end. */
export type Place =
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'range'; readonly start?: number; readonly end?: number };

/** A formula over the outputs of a model. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'output'; readonly name: string; readonly places: readonly Place[] }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly of: readonly Expression[] }
  | { readonly kind: 'operation'; readonly sign: Sign; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'negative'; readonly of: Expression };

export type Sign = '+' | '-' | '*' | '/';

/** Functions of formulas: over all elements (`sum(logits)`), between several values (`max(a, b)`), or element by element. */
export const functionNames = ['sum', 'mean', 'max', 'min', 'log', 'exp', 'abs', 'sqrt', 'sigmoid', 'softmax'] as const;
export type FunctionName = (typeof functionNames)[number];

interface Token {
  readonly kind: 'number' | 'name' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

/**
 * Reads a formula over a model's outputs: `logits[3] - max(logits[5], logits[7])`.
 *
 * Numbers, `+ - * /`, parentheses, {@link functionNames}, and outputs by name, with an index or a range for each axis
 * after the batch: `logits[-1, 3]`, `mask[2, 10:20, :]`. Axes left out are taken whole. A name with other letters
 * than `A–Z a–z 0–9 _ .` stands in quotes: `"/head/out"[0]`.
 *
 * @throws WhereforeError `invalid-argument` with the place of the mistake
 */
export function parseExpression(text: string): Expression {
  const tokens = tokenize(text);
  let next = 0;
  const peek = () => tokens[next];
  const take = () => tokens[next++];
  const accept = (sign: string) => peek().kind === 'sign' && peek().text === sign && take() !== undefined;
  const expect = (sign: string) => {
    if (!accept(sign)) throw wrong(text, peek(), `"${sign}"`);
  };

  const sum = (): Expression => chain(product, ['+', '-']);
  const product = (): Expression => chain(signed, ['*', '/']);
  function chain(part: () => Expression, signs: readonly Sign[]): Expression {
    let left = part();
    for (let sign = signs.find(accept); sign; sign = signs.find(accept)) {
      left = { kind: 'operation', sign, left, right: part() };
    }
    return left;
  }
  function signed(): Expression {
    return accept('-') ? { kind: 'negative', of: signed() } : primary();
  }
  function primary(): Expression {
    const token = take();
    if (token.kind === 'number') return { kind: 'number', value: Number(token.text) };
    if (token.kind === 'sign' && token.text === '(') {
      const inner = sum();
      expect(')');
      return inner;
    }
    if (token.kind !== 'name') throw wrong(text, token, 'a number, an output, a function or "("');
    if (peek().text === '(' && text[token.at] !== '"') return call(token);
    const places: Place[] = [];
    if (accept('[')) {
      do places.push(place());
      while (accept(','));
      expect(']');
    }
    return { kind: 'output', name: token.text, places };
  }
  function call(token: Token): Expression {
    const name = functionNames.find((known) => known === token.text);
    if (!name) throw wrong(text, token, `one of the functions ${functionNames.join(', ')}`);
    expect('(');
    const of = [sum()];
    while (accept(',')) of.push(sum());
    expect(')');
    if (of.length > 1 && name !== 'max' && name !== 'min') throw wrong(text, token, `one value in ${name}(…)`);
    return { kind: 'call', name, of };
  }
  function place(): Place {
    const start = integer();
    if (!accept(':')) {
      if (start === undefined) throw wrong(text, peek(), 'a whole number or a range start:end');
      return { kind: 'index', index: start };
    }
    return { kind: 'range', start, end: integer() };
  }
  function integer(): number | undefined {
    const negative = accept('-');
    if (peek().kind === 'number' && /^\d+$/.test(peek().text)) return (negative ? -1 : 1) * Number(take().text);
    if (negative) throw wrong(text, peek(), 'a whole number');
    return undefined;
  }

  const expression = sum();
  if (peek().kind !== 'end') throw wrong(text, peek(), 'an operator or the end');
  return expression;
}

/** Names of the outputs that a formula reads. */
export function outputsOf(expression: Expression): string[] {
  switch (expression.kind) {
    case 'number':
      return [];
    case 'output':
      return [expression.name];
    case 'call':
      return [...new Set(expression.of.flatMap(outputsOf))];
    case 'operation':
      return [...new Set([...outputsOf(expression.left), ...outputsOf(expression.right)])];
    case 'negative':
      return outputsOf(expression.of);
  }
}

function tokenize(text: string): Token[] {
  const pattern = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([A-Za-z_][\w.]*)|"([^"]+)"|([-+*/()[\],:]))/gy;
  const tokens: Token[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const start = at + (/^\s*/.exec(text.slice(at)) as RegExpExecArray)[0].length;
    if (!match) {
      throw wrong(
        text,
        { kind: 'sign', text: text[start], at: start },
        'a number, a name or one of + - * / ( ) [ ] , :',
      );
    }
    const [, number, name, quoted, sign] = match;
    const kind = number ? 'number' : sign ? 'sign' : 'name';
    tokens.push({ kind, text: number ?? name ?? quoted ?? sign, at: start });
    at = pattern.lastIndex;
  }
  tokens.push({ kind: 'end', text: '', at: text.length });
  return tokens;
}

function wrong(text: string, token: Token, expected: string): WhereforeError {
  return new WhereforeError('invalid-argument', 'the formula cannot be read', {
    where: `"${text}", letter ${token.at + 1}`,
    got: token.kind === 'end' ? 'its end' : `"${token.text}"`,
    expected,
  });
}
