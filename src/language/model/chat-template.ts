import { createRequire } from 'node:module';
import { WhereforeError } from '../../errors.ts';
import type { Message } from '../text-model.ts';

/** Writes a conversation as the text that a model was trained to go on from. */
export type ChatTemplate = (messages: readonly Message[]) => string;

/** The package, as far as it is used here; it is loaded when a conversation is written. */
interface Jinja {
  readonly Template: new (source: string) => { render(values: Readonly<Record<string, unknown>>): string };
}

/** Special tokens that templates name. */
const tokenNames = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;

/**
 * The chat template of a `tokenizer_config.json`, or of a `chat_template.jinja` beside it; undefined where the model has
 * none. Of several, the one called `default`.
 * @throws WhereforeError `invalid-data` for one that cannot be read, when it is used
 */
export function chatTemplateOf(
  settings: Readonly<Record<string, unknown>>,
  file: string | undefined,
  where: string,
): ChatTemplate | undefined {
  const source = file ?? sourceOf(settings.chat_template);
  if (source === undefined) return undefined;
  const tokens = Object.fromEntries(
    tokenNames.flatMap((name) => {
      const text = tokenText(settings[name]);
      return text === undefined ? [] : [[name, text]];
    }),
  );
  return (messages) => {
    checkMessages(messages);
    const { Template } = createRequire(import.meta.url)('@huggingface/jinja') as Jinja;
    try {
      return new Template(source).render({
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: true,
        ...tokens,
      });
    } catch (cause) {
      throw new WhereforeError('invalid-data', 'the chat template does not write this conversation', {
        where,
        got: cause instanceof Error ? cause.message : String(cause),
        fix: 'change the conversation, or write the prompt as a text without --chat',
        cause,
      });
    }
  };
}

function checkMessages(messages: readonly Message[]): void {
  if (
    messages.length > 0 &&
    messages.every(({ role, content }) => typeof role === 'string' && typeof content === 'string')
  )
    return;
  throw new WhereforeError('invalid-argument', 'this is no conversation', {
    got: JSON.stringify(messages),
    expected: '[{ role: "user", content: "…" }]',
  });
}

function sourceOf(template: unknown): string | undefined {
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const named = template.find((one: { name?: unknown } | undefined) => one?.name === 'default') ?? template[0];
  const source: unknown = (named as { template?: unknown } | undefined)?.template;
  return typeof source === 'string' ? source : undefined;
}

/** A special token is stated as its text, or as an object that holds it. */
function tokenText(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const content: unknown = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}
