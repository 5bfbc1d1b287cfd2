import { WhereforeError } from '../errors.ts';

/** What ONNX Runtime says of a model that it does not load, and what that means. */
const refusals: readonly { readonly pattern: RegExp; readonly explain: (found: RegExpExecArray) => WhereforeError }[] =
  [
    {
      pattern: /Node, \("([^"]*)", ([^,]+),.*No Op registered for (\S+) with domain_version of (\d+)/s,
      explain: ([, node, , operator, version]) =>
        new WhereforeError('unsupported-operator', `the runtime has no operator ${operator}`, {
          where: `node "${node}"`,
          got: `${operator} of opset ${version}`,
          fix: 'export the model with standard operators, or with another opset',
        }),
    },
    {
      pattern: /(\S+?):(\S+?)\(-?\d+\) is not a registered function\/op/,
      explain: ([, domain, operator]) =>
        new WhereforeError('unsupported-operator', `the runtime has no operator ${operator} of the domain ${domain}`, {
          fix: 'export the model without custom operators, or with their bodies as functions in the file',
        }),
    },
    {
      pattern: /Opset (\d+) is under development/,
      explain: ([, version]) =>
        new WhereforeError('unsupported-model', `the runtime does not know opset ${version}`, {
          fix: 'export the model with an older opset',
        }),
    },
  ];

/** An error for what ONNX Runtime said: in plain words where the case is known, else its own. */
export function refusal(message: string): WhereforeError {
  for (const { pattern, explain } of refusals) {
    const found = pattern.exec(message);
    if (found) return explain(found);
  }
  return new WhereforeError('runtime', 'ONNX Runtime refused', { got: message });
}
