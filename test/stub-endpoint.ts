import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a stub endpoint behaves; everything off is an endpoint that gives all it can. */
export interface Moods {
  /** The key that it wants. */
  readonly key?: string;
  /** Statuses of the first requests, in order; 0 lets one through, −1 cuts the connection in the middle of the answer. */
  readonly first?: readonly number[];
  /** Seconds of `Retry-After` beside a status of 429. */
  readonly retryAfter?: number;
  /** Answers are no JSON. */
  readonly malformed?: boolean;
  /** Answers are JSON of another form. */
  readonly otherForm?: boolean;
  /** No log-probabilities anywhere. */
  readonly silent?: boolean;
  /** No `/completions`. */
  readonly chatOnly?: boolean;
  /** Milliseconds before an answer. */
  readonly slow?: number;
  /** Holds every answer back. */
  readonly refusing?: boolean;
  /** Says something else each time. */
  readonly wavering?: boolean;
  /** Sends every request elsewhere. */
  readonly redirect?: string;
}

/** What a stub is asked and says. */
export interface StubModel {
  readonly name: string;
  /** Its answer to a text. */
  answer(prompt: string): string;
  /** ln p of each word of an answer, behind a prompt. */
  logProbability(prompt: string, word: string): number;
}

export interface StubEndpoint {
  readonly url: string;
  /** Paths of the requests so far. */
  readonly requests: string[];
  moods: Moods;
  close(): Promise<void>;
}

/** An endpoint with the API of OpenAI on a free port of this machine, with every bad mood that such a thing may have. */
export async function startStub(model: StubModel, moods: Moods = {}): Promise<StubEndpoint> {
  const stub = { requests: [] as string[], moods };
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(stub, {
    url: `http://127.0.0.1:${port}/v1`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { moods, requests } = stub;
    const status = moods.first?.[requests.length] ?? 0;
    requests.push(request.url ?? '');
    let body = '';
    for await (const part of request) body += part;
    if (moods.slow) await new Promise((resolve) => setTimeout(resolve, moods.slow));
    const send = (code: number, text: string, headers: Record<string, string> = {}) =>
      response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(text);
    const fail = (code: number, message: string, headers?: Record<string, string>) =>
      send(code, JSON.stringify({ error: { message } }), headers);
    if (moods.redirect) return void send(307, '', { location: moods.redirect });
    if (moods.key !== undefined && request.headers.authorization !== `Bearer ${moods.key}`)
      return void fail(401, `bad key ${request.headers.authorization}`);
    if (status > 0) {
      const wait = moods.retryAfter === undefined ? undefined : { 'retry-after': String(moods.retryAfter) };
      return void fail(status, `status ${status}`, wait);
    }
    const json = JSON.stringify(reply(request.url ?? '', body === '' ? {} : JSON.parse(body)) ?? null);
    if (json === 'null') return void fail(404, 'no such path');
    if (status === -1) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(json.length) });
      response.write(json.slice(0, json.length / 2), () => response.destroy());
      return;
    }
    send(200, moods.malformed ? json.slice(0, -5) : moods.otherForm ? '{"hello":"world"}' : json);
  }

  function reply(path: string, body: Record<string, unknown>): unknown {
    const { moods, requests } = stub;
    if (path === '/v1/models') return { data: [{ id: model.name }] };
    const finish = moods.refusing ? 'content_filter' : 'stop';
    const said = (prompt: string) => {
      if (moods.refusing) return '';
      const text = model.answer(prompt);
      return moods.wavering ? `${text} ${requests.length}` : text;
    };
    const usage = (prompt: string, text: string) => ({
      prompt_tokens: words(prompt).length,
      completion_tokens: words(text).length,
    });
    const logprobs = (prompt: string, text: string) =>
      words(text).map((token) => ({ token, logprob: model.logProbability(prompt, token) }));
    if (path === '/v1/chat/completions') {
      const messages = body.messages as { role: string; content: string }[];
      const prompt = messages.map(({ content }) => content).join('\n');
      const text = said(prompt);
      const content = body.logprobs && !moods.silent ? { content: logprobs(prompt, text) } : null;
      const message = { role: 'assistant', content: text };
      return { choices: [{ message, finish_reason: finish, logprobs: content }], usage: usage(prompt, text) };
    }
    if (path !== '/v1/completions' || moods.chatOnly) return undefined;
    const prompt = body.prompt as string;
    const text = body.echo ? prompt : said(prompt);
    const tokens = words(text);
    const values = tokens.map((token, i) =>
      body.echo && i === 0 ? null : model.logProbability(body.echo ? tokens.slice(0, i).join('') : prompt, token),
    );
    const known = body.logprobs && !moods.silent ? { tokens, token_logprobs: values, text_offset: null } : null;
    return { choices: [{ text, finish_reason: finish, logprobs: known }], usage: usage(prompt, text) };
  }
}

/** Words with the space before them. */
const words = (text: string): string[] => text.match(/\s*\S+/g) ?? [];
