import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type ParseOptions,
  parse,
  type SelectionNode,
  type SelectionSetNode,
  type Source,
  type ValidationContext,
  type ValidationRule,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Limits } from '../signaling/limits.ts';

/** Refuses documents that would cost too much, before anything of them is planned or run: on every transport alike. */
export function documentLimits(limits: Limits): Plugin {
  return {
    onParse: ({ setParseFn }) =>
      setParseFn((source: string | Source, options?: ParseOptions) =>
        parseWithin(limits.documentTokens, source, options),
      ),
    onValidate: ({ validateFn, setValidationFn }) => {
      const rules = [weighOperations(limits), requireSignals];
      setValidationFn((schema: GraphQLSchema, document: DocumentNode, ...rest: unknown[]) => {
        // First: the others take longer, and one of them throws where a variable would skip a subscription.
        const errors = validate(schema, document, rules);
        return errors.length > 0 ? errors : validateFn(schema, document, ...rest);
      });
    },
  };
}

function parseWithin(maxTokens: number, source: string | Source, options?: ParseOptions): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens });
  } catch (error) {
    // The stack may end before the tokens do, where more of them are allowed.
    if (isTooLong(error) || error instanceof RangeError)
      throw refusal(`A document has at most ${maxTokens} tokens, and is not nested without measure.`);
    throw error instanceof GraphQLError ? withStatus(error) : error;
  }
}

/** What Yoga adds where it is the first to parse a text; it need not be. See "GraphQL over HTTP", section 6.4. */
function withStatus(error: GraphQLError): GraphQLError {
  const { message, source, positions } = error;
  const extensions = { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400, spec: true } };
  return new GraphQLError(message, { source, positions, extensions });
}

function isTooLong(error: unknown): boolean {
  return error instanceof GraphQLError && error.message.endsWith('tokens. Parsing aborted.');
}

function weighOperations({ documentDepth, documentAliases, mutationFields }: Limits): ValidationRule {
  return (context) => {
    const known = new Map<string, Weight>();
    return {
      OperationDefinition(operation) {
        const { depth, aliases, fields } = weigh(context, operation.selectionSet, known);
        const refuse = (message: string) => context.reportError(refusal(message, operation));
        if (depth > documentDepth) refuse(`An operation is at most ${documentDepth} fields deep.`);
        if (aliases > documentAliases) refuse(`An operation has at most ${documentAliases} aliases.`);
        if (operation.operation === 'mutation' && fields > mutationFields)
          refuse(`A mutation has at most ${mutationFields} fields.`);
      },
    };
  };
}

/** What a selection adds up to; a fragment counts wherever it is spread. */
interface Weight {
  readonly depth: number;
  readonly aliases: number;
  /** Those at its top. */
  readonly fields: number;
}

const nothing: Weight = { depth: 0, aliases: 0, fields: 0 };

/** `known` has the fragments that were weighed, so that each is weighed once. */
function weigh(
  context: ValidationContext,
  set: SelectionSetNode | undefined,
  known: Map<string, Weight>,
): Weight {
  const weights = (set?.selections ?? []).map((selection) => weighSelection(context, selection, known));
  return weights.reduce(
    (sum, { depth, aliases, fields }) => ({
      depth: Math.max(sum.depth, depth),
      aliases: sum.aliases + aliases,
      fields: sum.fields + fields,
    }),
    nothing,
  );
}

function weighSelection(
  context: ValidationContext,
  selection: SelectionNode,
  known: Map<string, Weight>,
): Weight {
  if (selection.kind === Kind.FRAGMENT_SPREAD) return weighFragment(context, selection.name.value, known);
  const inner = weigh(context, selection.selectionSet, known);
  if (selection.kind === Kind.INLINE_FRAGMENT) return inner;
  // graphql-js has a rule of its own for how deep introspection goes, and tools go deeper there than any signal does.
  const below = selection.name.value.startsWith('__') ? 0 : inner.depth;
  return { depth: 1 + below, aliases: inner.aliases + (selection.alias ? 1 : 0), fields: 1 };
}

function weighFragment(context: ValidationContext, name: string, known: Map<string, Weight>): Weight {
  const weighed = known.get(name);
  if (weighed) return weighed;
  // A fragment that contains itself meets this; another rule refuses it.
  known.set(name, nothing);
  const weight = weigh(context, context.getFragment(name)?.selectionSet, known);
  known.set(name, weight);
  return weight;
}

/** graphql-js has no answer for a subscription whose only field was skipped; by the newer specification it is invalid. */
function requireSignals(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation) {
      if (operation.operation !== 'subscription' || !isConditional(context, operation)) return;
      context.reportError(refusal('The field of a subscription takes no @skip and no @include.', operation));
    },
  };
}

function isConditional(context: ValidationContext, operation: OperationDefinitionNode): boolean {
  // Grows while it is walked, by the fragments at the top.
  const top = new Set<SelectionSetNode | undefined>([operation.selectionSet]);
  for (const set of top)
    for (const selection of set?.selections ?? []) {
      if (selection.directives?.some(({ name }) => ['skip', 'include'].includes(name.value))) return true;
      if (selection.kind === Kind.INLINE_FRAGMENT) top.add(selection.selectionSet);
      if (selection.kind === Kind.FRAGMENT_SPREAD)
        top.add(context.getFragment(selection.name.value)?.selectionSet);
    }
  return false;
}

function refusal(message: string, node?: OperationDefinitionNode): GraphQLError {
  return new GraphQLError(message, { nodes: node ?? null, extensions: { code: 'BAD_USER_INPUT' } });
}
