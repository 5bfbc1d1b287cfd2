/** A turn of a conversation. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What a model is asked to go on from: a text as it stands, or a conversation. */
export type Prompt = string | readonly Message[];

/** What a language model lets others see of itself. Whatever needs more than it gives is refused, never guessed. */
export interface Access {
  /** It answers conversations. */
  readonly chat: boolean;
  /** It continues a text as it stands. */
  readonly completion: boolean;
  /** It tells log p(answer | prompt) of any answer, not only of its own. */
  readonly scores: boolean;
  /** Most probable alternatives that it tells for each token of its own answer; 0 where it tells nothing. */
  readonly alternatives: number;
  /** It goes on from a beginning of its own turn. */
  readonly prefill: boolean;
  /** Asked twice at temperature 0 it said the same. */
  readonly repeatable: boolean;
}

export interface AnswerOptions {
  /** 0: the most probable token each time. Default 0. */
  readonly temperature?: number;
  /** Default 256. */
  readonly maxTokens?: number;
  /** Texts that end an answer; they do not belong to it. */
  readonly stop?: readonly string[];
  /** Which of several samples this is: sample 1 of a prompt is drawn anew where sample 0 is known. Default 0. */
  readonly sample?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** A token of an answer as the model gave it. */
export interface AnswerToken {
  readonly text: string;
  /** ln p(token | everything before it), in nats. */
  readonly logProbability: number;
}

export interface Answer {
  readonly text: string;
  /** Why it ended: the model was done, `maxTokens` was reached, or the service held it back. */
  readonly ended: 'stop' | 'length' | 'withheld';
  /** undefined where the model does not tell. */
  readonly tokens: readonly AnswerToken[] | undefined;
}

/** How probable a given answer is. */
export interface AnswerScore {
  /** Σ_j ln p(y_j | prompt, y_<j), in nats. */
  readonly logProbability: number;
  readonly tokens: readonly AnswerToken[];
}

/** A language model, in this process or behind an endpoint, as the strategies see it. */
export interface TextModel {
  readonly name: string;
  readonly access: Access;
  generate(prompt: Prompt, options?: AnswerOptions): Promise<Answer>;
  /**
   * log p(answer | prompt), the answer being what comes right behind the prompt.
   * @throws WhereforeError `unsupported-model` where `access.scores` is false
   */
  score(prompt: Prompt, answer: string, options?: { readonly signal?: AbortSignal }): Promise<AnswerScore>;
}
