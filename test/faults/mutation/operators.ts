/**
 * Mutation operators: each finds one site in a function by its structure, and says what stands there instead. None leaves a
 * file that does not parse: what becomes of a statement is a statement again, and of an expression an expression.
 */
import { type Trait, innermost, isCallOf, nameOf, nodeIn } from './queries.ts';
import { type Node, isNode } from './syntax-tree.ts';

/** A function, and the text of the file it is in. */
export interface Scope {
  readonly node: Node;
  readonly text: string;
}

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

export interface Operator {
  /** The site in words, after "has": `a statement that calls StopBuildCommand`. */
  readonly site: string;
  /** Every place in the function that is such a site. */
  readonly edits: (scope: Scope) => Edit[];
}

const replaced = ({ range: [start, end] }: Node, by: string): Edit => ({ start, end, by });

const textOf = ({ text }: Scope, { range: [start, end] }: Node): string => text.slice(start, end);

function nodesIn(node: Node, field: string): Node[] {
  const list = node[field];
  return Array.isArray(list) ? list.filter(isNode) : [];
}

/** Statement deletion. An empty block also stands where the semicolons are left out. Only of what stands for itself: whatever comes later may need a declaration. */
export const deleteStatement = (trait: Trait): Operator => ({
  site: `a statement that ${trait.says}`,
  edits: ({ node }) =>
    innermost(node, ['ExpressionStatement'], trait.fits).map((statement) => replaced(statement, '{}')),
});

/** What an `if` does, or what it tests; not what its `else` does. */
function ifs({ node }: Scope, part: 'consequent' | 'test', { fits }: Trait): Node[] {
  return innermost(node, ['IfStatement'], (one) => {
    const found = nodeIn(one, part);
    return found !== undefined && fits(found);
  });
}

function withTest(statement: Node, by: string): Edit[] {
  const test = nodeIn(statement, 'test');
  return test === undefined ? [] : [replaced(test, by)];
}

/** An `if` that is never entered, chosen by what it does. */
export const neverDo = (trait: Trait): Operator => ({
  site: `an if that ${trait.says}`,
  edits: (scope) => ifs(scope, 'consequent', trait).flatMap((found) => withTest(found, 'false')),
});

/** An `if` that is never entered, chosen by what it tests. */
export const neverWhen = (trait: Trait): Operator => ({
  site: `an if whose condition ${trait.says}`,
  edits: (scope) => ifs(scope, 'test', trait).flatMap((found) => withTest(found, 'false')),
});

/** An `if` that is always entered, chosen by what it tests. */
export const alwaysWhen = (trait: Trait): Operator => ({
  site: `an if whose condition ${trait.says}`,
  edits: (scope) => ifs(scope, 'test', trait).flatMap((found) => withTest(found, 'true')),
});

/** What the `else` of an `if` does happens in any case, and what the `if` does never. */
export const onlyElse = (trait: Trait): Operator => ({
  site: `an if with an else that ${trait.says}`,
  edits: (scope) =>
    ifs(scope, 'consequent', trait).flatMap((found) => {
      const otherwise = nodeIn(found, 'alternate');
      return otherwise === undefined ? [] : [replaced(found, textOf(scope, otherwise))];
    }),
});

/** A throw that becomes another statement. */
export const insteadOfThrowing = (trait: Trait, by: string): Operator => ({
  site: `a throw that ${trait.says}`,
  edits: ({ node }) => innermost(node, ['ThrowStatement'], trait.fits).map((found) => replaced(found, by)),
});

/** Calls of a function, together with the `await` of each. */
function callsOf({ node }: Scope, name: string): Node[] {
  const isCall = (one: Node): boolean => isCallOf(one, name);
  function isAwaited(one: Node): boolean {
    const argument = nodeIn(one, 'argument');
    return argument !== undefined && isCall(argument);
  }
  const awaited = innermost(node, ['AwaitExpression'], isAwaited);
  const held = awaited.map((one) => nodeIn(one, 'argument'));
  return [...awaited, ...innermost(node, ['CallExpression'], isCall).filter((one) => !held.includes(one))];
}

/** Return value replacement, without the call. */
export const insteadOfCalling = (name: string, by: string): Operator => ({
  site: `a call of ${name}`,
  edits: (scope) => callsOf(scope, name).map((call) => replaced(call, by)),
});

/** Return value replacement; the call is made all the same. */
export const whateverItAnswers = (name: string, by: string): Operator => ({
  site: `a call of ${name}`,
  edits: (scope) => callsOf(scope, name).map((call) => replaced(call, `(${textOf(scope, call)}, ${by})`)),
});

/** What a variable of the function is initialised with. */
export const initialise = (variable: string, by: string): Operator => ({
  site: `a variable ${variable}`,
  edits: ({ node }) =>
    innermost(node, ['VariableDeclarator'], (one) => nameOf(nodeIn(one, 'id')) === variable).flatMap(
      (found) => {
        const initial = nodeIn(found, 'init');
        return initial === undefined ? [] : [replaced(initial, by)];
      },
    ),
});

/** What the function returns, chosen by what it returns now. */
export const insteadOfReturning = (trait: Trait, by: string): Operator => ({
  site: `a return that ${trait.says}`,
  edits: ({ node }) =>
    innermost(node, ['ReturnStatement'], trait.fits).map((found) => replaced(found, `return ${by};`)),
});

const without = (scope: Scope, list: readonly Node[], dropped: Node): string =>
  list
    .filter((one) => one !== dropped)
    .map((one) => textOf(scope, one))
    .join(', ');

/** One thing less in a list that is written out: of lists in lists, in the innermost one. */
export const dropElement = (trait: Trait): Operator => ({
  site: `an element that ${trait.says}`,
  edits: (scope) => {
    const fitting = (list: Node): Node[] => nodesIn(list, 'elements').filter(trait.fits);
    return innermost(scope.node, ['ArrayExpression'], (list) => fitting(list).length > 0).flatMap((list) =>
      fitting(list).map((one) => replaced(list, `[${without(scope, nodesIn(list, 'elements'), one)}]`)),
    );
  },
});

/** One thing less in a conjunction or a disjunction. */
export const dropOperand = (trait: Trait): Operator => ({
  site: `an operand that ${trait.says}`,
  edits: (scope) => {
    function sides(node: Node): (readonly [Node | undefined, Node | undefined])[] {
      const [left, right] = [nodeIn(node, 'left'), nodeIn(node, 'right')];
      return [
        [left, right],
        [right, left],
      ];
    }
    const fits = (one: Node | undefined): boolean => one !== undefined && trait.fits(one);
    return innermost(scope.node, ['LogicalExpression'], (node) =>
      sides(node).some(([one]) => fits(one)),
    ).flatMap((node) =>
      sides(node).flatMap(([one, kept]) =>
        fits(one) && kept ? [replaced(node, `(${textOf(scope, kept)})`)] : [],
      ),
    );
  },
});

/** The properties of that name, written as it is or as `[TAGS.name]`, in objects that the function makes. */
function propertiesNamed({ node }: Scope, name: string) {
  return innermost(node, ['ObjectExpression'], (object) => keyed(object, name).length > 0).flatMap((object) =>
    keyed(object, name).map((property) => ({ object, property })),
  );
}

const keyed = (object: Node, name: string): Node[] =>
  nodesIn(object, 'properties').filter((property) => nameOf(nodeIn(property, 'key')) === name);

export const dropProperty = (name: string): Operator => ({
  site: `a property ${name}`,
  edits: (scope) =>
    propertiesNamed(scope, name).map(({ object, property }) =>
      replaced(object, `{ ${without(scope, nodesIn(object, 'properties'), property)} }`),
    ),
});

export const setProperty = (name: string, by: string): Operator => ({
  site: `a property ${name}`,
  edits: (scope) => propertiesNamed(scope, name).map(({ property }) => replaced(property, `${name}: ${by}`)),
});
