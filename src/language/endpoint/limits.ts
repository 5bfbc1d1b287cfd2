import { WhereforeError } from '../../errors.ts';

/** How much of an endpoint a piece of work may use. */
export interface Limits {
  /** Requests, each attempt counted. */
  readonly calls: number;
  /** Tokens, those of prompts and answers together, as the endpoint counts them. Default: no limit. */
  readonly tokens?: number;
  /** Money, in the unit of {@link Prices}. Default: no limit. */
  readonly cost?: number;
}

/** What a million tokens cost, in any currency. */
export interface Prices {
  readonly prompt: number;
  readonly answer: number;
}

/** What has been used. */
export interface Used {
  readonly calls: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** undefined without prices. */
  readonly cost: number | undefined;
  /** Answers that came from the cache and cost nothing. */
  readonly cached: number;
}

/** Counts what is used, and stops before a limit is passed. */
export class Budget {
  readonly limits: Limits;
  readonly prices: Prices | undefined;
  private calls = 0;
  private promptTokens = 0;
  private answerTokens = 0;
  private cached = 0;

  /** @throws WhereforeError `out-of-range`, `invalid-argument` */
  constructor(limits: Limits, prices?: Prices) {
    for (const [name, value] of Object.entries(limits)) {
      if (value !== undefined && !(value > 0)) {
        throw new WhereforeError('out-of-range', `a limit of ${name} that allows nothing`, {
          got: String(value),
          expected: 'a number above 0',
        });
      }
    }
    if (limits.cost !== undefined && !prices) {
      throw new WhereforeError('invalid-argument', 'a limit of cost without prices', {
        fix: 'say what a million tokens of prompts and of answers cost',
      });
    }
    this.limits = limits;
    this.prices = prices;
  }

  get used(): Used {
    const { calls, promptTokens, answerTokens, cached } = this;
    return { calls, promptTokens, answerTokens, cost: this.cost(), cached };
  }

  /**
   * Counts a request that is about to be made.
   * @throws WhereforeError `limit-reached`
   */
  takeCall(): void {
    const { calls, tokens, cost } = this.limits;
    const reached = (what: string, limit: number) =>
      new WhereforeError('limit-reached', `the limit of ${limit.toLocaleString('en')} ${what} is reached`, {
        got: `${this.calls} requests, ${this.promptTokens + this.answerTokens} tokens so far`,
        fix: 'allow more and start again; answers so far are kept in the cache',
      });
    if (this.calls >= calls) throw reached('requests', calls);
    if (tokens !== undefined && this.promptTokens + this.answerTokens >= tokens) throw reached('tokens', tokens);
    const spent = this.cost();
    if (cost !== undefined && spent !== undefined && spent >= cost) throw reached('cost', cost);
    this.calls++;
  }

  addTokens(prompt: number, answer: number): void {
    this.promptTokens += prompt;
    this.answerTokens += answer;
  }

  addCached(): void {
    this.cached++;
  }

  private cost(): number | undefined {
    const { prices } = this;
    return prices && (this.promptTokens * prices.prompt + this.answerTokens * prices.answer) / 1e6;
  }
}
