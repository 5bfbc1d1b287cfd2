import ts from 'typescript';

/** What may stand for an operator by mistake. @type {Readonly<Record<string, string>>} */
const turned = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '&&': '||',
  '||': '&&',
  '??': '&&',
};

/** @typedef {{ start: number, end: number, text: string }} Change */

/** Every small mistake that one place allows. @param {ts.SourceFile} source @returns {Change[]} */
export function changesOf(source) {
  /** @type {Change[]} */
  const changes = [];
  const add = (/** @type {ts.Node} */ node, /** @type {string} */ text) =>
    changes.push({ start: node.getStart(source), end: node.getEnd(), text });
  /** @param {ts.Node} node */
  const visit = (node) => {
    // Messages, types and imports are no behaviour.
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
    if (ts.isTypeAliasDeclaration(node) || (ts.isNewExpression(node) && /Error$/.test(node.expression.getText(source))))
      return;
    if (ts.isBinaryExpression(node)) {
      const other = turned[node.operatorToken.getText(source)];
      const isText = [node.left, node.right].some(
        (side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side),
      );
      if (other && !(isText && /[+-]/.test(other))) add(node.operatorToken, other);
    }
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
      add(node, node.operand.getText(source));
    if (ts.isNumericLiteral(node) && !ts.isLiteralTypeNode(node.parent)) add(node, `(${node.text} + 1)`);
    if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, 'false');
    if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, 'true');
    if (ts.isPropertyAccessExpression(node) && node.expression.getText(source) === 'Math') {
      const other = /** @type {Record<string, string>} */ ({ min: 'max', max: 'min', floor: 'ceil', ceil: 'floor' })[
        node.name.text
      ];
      if (other) add(node.name, other);
    }
    if (ts.isIfStatement(node)) add(node.expression, `true || (${node.expression.getText(source)})`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return changes;
}
