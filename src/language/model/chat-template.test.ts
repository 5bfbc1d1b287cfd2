import { describe, expect, it } from 'vitest';
import { chatTemplateOf } from './chat-template.ts';

const template =
  "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' and not loop.first %}{{ raise_exception('system comes first') }}{% endif %}<|{{ message.role }}|>{{ message.content | trim }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
const user = { role: 'user', content: ' Why?' } as const;

describe('chat templates', () => {
  it.each([
    ['a text', { chat_template: template, bos_token: '<s>' }, undefined],
    [
      'one of several, and a token as an object',
      {
        chat_template: [
          { name: 'tool', template: 'x' },
          { name: 'default', template },
        ],
        bos_token: { content: '<s>' },
      },
      undefined,
    ],
    ['a file', { chat_template: 'other', bos_token: '<s>' }, template],
  ])('write a conversation: %s', (_, settings, file) => {
    const write = chatTemplateOf(settings, file, 'folder');
    expect(write?.([{ role: 'system', content: 'Be short.' }, user])).toBe(
      '<s><|system|>Be short.\n<|user|>Why?\n<|assistant|>',
    );
  });

  it('are none where the model has none', () => {
    expect(chatTemplateOf({}, undefined, 'folder')).toBeUndefined();
  });

  it('refuse in their own words, and what is no conversation', () => {
    const write = chatTemplateOf({ chat_template: template }, undefined, 'folder');
    expect(() => write?.([user, { role: 'system', content: 'late' }])).toThrow(/folder.*system comes first/);
    expect(() => write?.([])).toThrow(/no conversation/);
    expect(() => chatTemplateOf({ chat_template: '{% if %}' }, undefined, 'folder')?.([user])).toThrow(
      /does not write/,
    );
  });
});
