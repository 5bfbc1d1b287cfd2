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
      // ONNX Runtime Web does not name the node.
      pattern: /No Op registered for (\S+) with domain_version of (\d+)/,
      explain: ([, operator, version]) =>
        new WhereforeError('unsupported-operator', `the runtime has no operator ${operator}`, {
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
    {
      pattern: /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
      explain: ([, version, most]) =>
        new WhereforeError('unsupported-model', 'the runtime does not know this version of the ONNX format', {
          got: `IR version ${version}`,
          expected: `at most ${most}`,
          fix: 'save the model with an older IR version: onnx.helper.make_model(…, ir_version=10)',
        }),
    },
    {
      // What a traced export does with sizes that its example had.
      pattern:
        /while running Reshape node\. Name:'([^']*)' .*?Input shape:\{([\d,]*)\}, requested shape:\{([-\d,]*)\}/s,
      explain: ([, node, got, expected]) =>
        new WhereforeError('runtime', 'the model holds a size that these inputs do not have', {
          where: `node "${node}" (Reshape)`,
          got: `${timesOf(got)} elements`,
          expected: timesOf(expected),
          fix: 'give inputs of the size (number of tokens, of pixels) that the model was exported with, or export it again so that this axis is free',
        }),
    },
    {
      pattern: /while running (\S+) node\. Name:'([^']*)' Status Message: (.*)/s,
      explain: ([, operator, node, why]) => refusedNode(node, operator, why, 'inputs that the operator allows'),
    },
    {
      pattern: /Node \(([^)]*)\) Op \(([^)]*)\) (.*)/s,
      explain: ([, node, operator, why]) => refusedNode(node, operator, why, 'inputs and attributes that fit together'),
    },
    {
      pattern: /In Node, \("([^"]*)", ([^,]+),.*?\) : .*?Error (.*)/s,
      explain: ([, node, operator, why]) => refusedNode(node, operator, why, 'inputs and attributes that fit together'),
    },
  ];

function refusedNode(node: string, operator: string, why: string, expected: string): WhereforeError {
  return new WhereforeError('runtime', 'ONNX Runtime refused a node', {
    where: `node "${node}" (${operator})`,
    got: plain(why),
    expected,
    fix: 'check this node and what goes into it; export the model again, perhaps with another opset',
  });
}

const timesOf = (shape: string): string => shape.replaceAll(',', '×');

/** What the runtime said, without the positions in its own sources, on one line. */
const plain = (said: string): string =>
  said
    .replace(/\S*\/onnxruntime\/\S+(:\d+)?( [\w:~<>]+\([^)]*\))?/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 400);

/** An error for what ONNX Runtime said: in plain words where the case is known, else its own. */
export function refusal(message: string): WhereforeError {
  for (const { pattern, explain } of refusals) {
    const found = pattern.exec(message);
    if (found) return explain(found);
  }
  return new WhereforeError('runtime', 'ONNX Runtime refused the model', {
    got: plain(message),
    expected: 'a model that the runtime can run',
    fix: 'check it with: wherefore inspect MODEL; export it again, perhaps with another opset',
  });
}
