/**
 * Titles of the tests that a file really runs, as it would print them: of `t.test(title, ...)` at its top, in its loops
 * and within other such tests. A test in a comment, a skipped one, one that asserts nothing, and one in a branch or in
 * a function that another caller would have to call are not among them.
 */
import {
  isArrayBindingPattern,
  isArrayLiteralExpression,
  isArrowFunction,
  isAsExpression,
  isAwaitExpression,
  isBlock,
  isCallExpression,
  isExpressionStatement,
  isForOfStatement,
  isIdentifier,
  isNoSubstitutionTemplateLiteral,
  isObjectBindingPattern,
  isObjectLiteralExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isStringLiteral,
  isTemplateExpression,
  isVariableDeclarationList,
  isVariableStatement,
  type Expression,
  type Node,
  type SourceFile,
  type Statement,
} from "typescript/unstable/ast";
import { readParsed } from "./parsed.ts";

/** Values of constants by name; what cannot be known without running is not among them. */
type Scope = ReadonlyMap<string, unknown>;

/**
 * @param paths from the project's root.
 * @throws when a title depends on something that is not a constant of its file
 */
export function readTitles(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return new Map(readParsed(paths, (file, source) => [file, titlesOf(source)] as const));
}

export function titlesOf(source: SourceFile): string[] {
  return inStatements(source.statements, new Map());
}

function inStatements(statements: Iterable<Statement>, outer: Scope): string[] {
  const scope = new Map(outer);
  const titles: string[] = [];
  for (const statement of statements) {
    if (isVariableStatement(statement)) {
      for (const { name, initializer } of statement.declarationList.declarations)
        if (initializer !== undefined) bind(name, valueOf(initializer, scope), scope);
    } else titles.push(...inStatement(statement, scope));
  }
  return titles;
}

function inStatement(statement: Statement, scope: Scope): string[] {
  if (isBlock(statement)) return inStatements(statement.statements, scope);
  if (isExpressionStatement(statement)) return inCall(statement.expression, scope);
  if (!isForOfStatement(statement) || !isVariableDeclarationList(statement.initializer)) return [];
  const [variable] = statement.initializer.declarations;
  const values = valueOf(statement.expression, scope);
  if (variable === undefined || !Array.isArray(values)) return [];
  return values.flatMap((value) => {
    const round = new Map(scope);
    bind(variable.name, value, round);
    return inStatement(statement.statement, round);
  });
}

/** `t.test(title, function)`, awaited or not; nothing else. */
function inCall(written: Expression, scope: Scope): string[] {
  const call = isAwaitExpression(written) ? written.expression : written;
  if (!isCallExpression(call) || !isPropertyAccessExpression(call.expression)) return [];
  const { expression: on, name } = call.expression;
  const [title, body, ...more] = call.arguments;
  if (!isIdentifier(on) || on.text !== "t" || name.text !== "test" || more.length > 0) return [];
  if (title === undefined || body === undefined || !isArrowFunction(body) || !asserts(body)) return [];
  const text = valueOf(title, scope);
  if (typeof text !== "string") throw new Error(`cannot read the title ${title.getText()}`);
  return [text, ...(isBlock(body.body) ? inStatements(body.body.statements, scope) : [])];
}

/** A test has to call a method of its `t`, or to hand its `t` to a function that does. */
function asserts(body: Node): boolean {
  let found = false;
  const visit = (node: Node): void => {
    if (isCallExpression(node)) {
      const { expression } = node;
      found ||= isPropertyAccessExpression(expression) && isT(expression.expression);
      found ||= node.arguments.some(isT);
    }
    node.forEachChild(visit);
  };
  body.forEachChild(visit);
  return found;
}

const isT = (node: Node): boolean => isIdentifier(node) && node.text === "t";

/** Undefined for what is no constant. */
function valueOf(node: Expression, scope: Scope): unknown {
  if (isAsExpression(node)) return valueOf(node.expression, scope);
  if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (isIdentifier(node)) return scope.get(node.text);
  if (isArrayLiteralExpression(node)) return node.elements.map((element) => valueOf(element, scope));
  if (isPropertyAccessExpression(node)) {
    const object = valueOf(node.expression, scope);
    return object instanceof Map ? object.get(node.name.text) : undefined;
  }
  if (isObjectLiteralExpression(node)) {
    const properties = node.properties.filter(isPropertyAssignment);
    return new Map(properties.map(({ name, initializer }) => [name.getText(), valueOf(initializer, scope)]));
  }
  if (!isTemplateExpression(node)) return undefined;
  let text = node.head.text;
  for (const { expression, literal } of node.templateSpans) {
    const value = valueOf(expression, scope);
    if (typeof value !== "string") return undefined;
    text += value + literal.text;
  }
  return text;
}

function bind(name: Node, value: unknown, scope: Map<string, unknown>): void {
  if (isIdentifier(name)) scope.set(name.text, value);
  if (isArrayBindingPattern(name) && Array.isArray(value))
    for (const [index, element] of name.elements.entries())
      if (element.name !== undefined) bind(element.name, value[index], scope);
  if (isObjectBindingPattern(name) && value instanceof Map)
    for (const element of name.elements) {
      const key = element.propertyName ?? element.name;
      if (element.name !== undefined && key !== undefined)
        bind(element.name, value.get(key.getText()), scope);
    }
}
