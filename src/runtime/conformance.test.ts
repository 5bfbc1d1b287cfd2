import { afterAll, describe, it } from 'vitest';
import { conformance } from '../../test/runtime-conformance.ts';
import { createNodeRuntime, type Isolation } from './node.ts';

// The same cases run in a worker of a page: test/browser/web.test.ts.
describe.each(['thread', 'process'] satisfies Isolation[])('onnxruntime-node in a %s', (isolation) => {
  const runtime = createNodeRuntime({ threads: 1, isolation });
  afterAll(() => runtime.close());
  it.each(Object.entries(conformance))('%s', (_, check) => check(runtime));
});
