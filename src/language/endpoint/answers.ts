import * as z from 'zod/mini';
import { checked } from '../../checked.ts';
import type { Answer, AnswerScore, AnswerToken } from '../text-model.ts';
import { RequestRefused } from './request.ts';

const usage = z.object({
  prompt_tokens: z.number().check(z.nonnegative()),
  completion_tokens: z.optional(z.number().check(z.nonnegative())),
});
const choiceEnd = z.nullish(z.string());

const chatAnswer = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.nullish(z.string()), refusal: z.nullish(z.string()) }),
        finish_reason: choiceEnd,
        logprobs: z.nullish(
          z.object({ content: z.nullish(z.array(z.object({ token: z.string(), logprob: z.number() }))) }),
        ),
      }),
    )
    .check(z.minLength(1)),
  usage: z.nullish(usage),
});

const completionAnswer = z.object({
  choices: z
    .array(
      z.object({
        text: z.string(),
        finish_reason: choiceEnd,
        logprobs: z.nullish(
          z.object({
            tokens: z.array(z.string()),
            token_logprobs: z.array(z.nullable(z.number())),
            text_offset: z.nullish(z.array(z.int())),
          }),
        ),
      }),
    )
    .check(z.minLength(1)),
  usage: z.nullish(usage),
});

const modelList = z.object({ data: z.array(z.object({ id: z.string() })) });

/** What an endpoint counted for one request; undefined where it does not count. */
export type Usage = z.infer<typeof usage> | undefined;

/** @throws WhereforeError `endpoint` for an answer of another form */
export function readChatAnswer(json: unknown, where: string): { readonly answer: Answer; readonly usage: Usage } {
  const { choices, usage: counted } = parse(chatAnswer, json, where);
  const [{ message, finish_reason, logprobs }] = choices;
  const tokens = logprobs?.content?.map(({ token, logprob }) => ({ text: token, logProbability: logprob }));
  const withheld = finish_reason === 'content_filter' || (message.refusal ?? '') !== '';
  return {
    answer: { text: message.content ?? '', ended: withheld ? 'withheld' : endOf(finish_reason), tokens },
    usage: counted ?? undefined,
  };
}

/** @throws WhereforeError `endpoint` for an answer of another form */
export function readCompletion(json: unknown, where: string): { readonly answer: Answer; readonly usage: Usage } {
  const { choices, usage: counted } = parse(completionAnswer, json, where);
  const [{ text, finish_reason, logprobs }] = choices;
  const tokens = logprobs?.tokens.map((token, i) => ({
    text: token,
    logProbability: logprobs.token_logprobs[i] ?? Number.NaN,
  }));
  return { answer: { text, ended: endOf(finish_reason), tokens }, usage: counted ?? undefined };
}

/**
 * log p of the end of a text that an endpoint has echoed with the log-probability of each token; undefined where it did
 * not echo it. A token over the border between prompt and answer belongs to the answer.
 * @throws WhereforeError `endpoint` for an answer of another form
 */
export function readEcho(
  json: unknown,
  { prompt, answer }: { readonly prompt: string; readonly answer: string },
  where: string,
): { readonly score: AnswerScore | undefined; readonly usage: Usage } {
  const { choices, usage: counted } = parse(completionAnswer, json, where);
  const [{ text, logprobs }] = choices;
  if (!logprobs || !text.startsWith(prompt + answer)) return { score: undefined, usage: counted ?? undefined };
  const tokens: AnswerToken[] = [];
  // Endpoints count code points, not the two units that JavaScript makes of some.
  const border = letters(prompt);
  const end = border + letters(answer);
  let at = 0;
  for (const [i, token] of logprobs.tokens.entries()) {
    const start = logprobs.text_offset?.[i] ?? at;
    at = start + letters(token);
    const value = logprobs.token_logprobs[i];
    if (at <= border || start >= end) continue;
    // The first token of a text has nothing before it and no probability.
    if (value === null) return { score: undefined, usage: counted ?? undefined };
    tokens.push({ text: token, logProbability: value });
  }
  let sum = 0;
  for (const { logProbability } of tokens) sum += logProbability;
  return { score: tokens.length > 0 ? { logProbability: sum, tokens } : undefined, usage: counted ?? undefined };
}

const letters = (text: string): number => [...text].length;

/** Names of the models that an endpoint lists; undefined where it lists none. */
export function readModelList(json: unknown): readonly string[] | undefined {
  const { data, success } = checked(modelList, json);
  return success ? data.data.map(({ id }) => id) : undefined;
}

const endOf = (reason: string | null | undefined): Answer['ended'] =>
  reason === 'length' ? 'length' : reason === 'content_filter' ? 'withheld' : 'stop';

function parse<T>(schema: z.core.$ZodType<T>, json: unknown, where: string): T {
  const { data, error } = checked(schema, json);
  if (data !== undefined) return data;
  const [first] = error?.issues ?? [];
  throw new RequestRefused('the answer of the endpoint has another form than the API of OpenAI', {
    where,
    got: `${first?.path.join('.') || 'all of it'}: ${first?.message}`,
    fix: 'check that the address is that of an API of this kind',
    cause: error,
  });
}
