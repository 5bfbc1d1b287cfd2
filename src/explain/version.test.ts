import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { packageVersion } from './version.ts';

it('is that of package.json, which a browser does not have', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(packageVersion).toBe(version);
});
