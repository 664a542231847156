import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils';
import {
  defaultFieldResolver,
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import { requirePermission } from '../signaling/caller.ts';
import type { DialInput } from '../signaling/dial.ts';
import { SignalingError } from '../signaling/errors.ts';
import type { Permission } from '../signaling/permission.ts';
import type { Context } from './context.ts';

/** Refuses by throwing, before the field's own resolver runs. */
type Guard = (context: Context, args: Record<string, unknown>) => Promise<void> | void;

/** What each of the five directives demands. Every root field carries exactly one of them. */
const guards: Record<string, (directive: Record<string, unknown>) => Guard> = {
  public: () => () => {},
  signedIn: () => (context) => {
    context.identity();
  },
  adminOnly: () => (context) => {
    if (!context.identity().admin)
      throw new SignalingError('FORBIDDEN', 'Only server-to-server tokens may do this.');
  },
  hubScope: ({ requires }) => requireHub(requires as Permission),
  callScope:
    () =>
    (context, { callId }) =>
      context.signaling.guardCall(context.caller(), String(callId)),
};

/** Reads for a field while its guard reads who asks. Async, so that it never throws while that one is left waiting. */
type Ahead = (context: Context, args: Record<string, unknown>) => Promise<void>;

const aheads: Record<string, Ahead> = {
  'Mutation.dial': async ({ signaling, identity, caller }, { input }) =>
    signaling.readCalleeAhead(identity(), caller(), input as DialInput),
};

function requireHub(permission: Permission): Guard {
  return async (context, { hubId }) => {
    requirePermission(await context.caller(), String(hubId), permission, 'hubId');
  };
}

/** The guard directives that a field carries. */
export function guardsOf(schema: GraphQLSchema, field: GraphQLFieldConfig<unknown, Context>): string[] {
  return Object.keys(guards).filter((name) => getDirective(schema, field, name)?.length);
}

/** Puts each root field behind its guard. Throws at start-up when a root field has none, or more than one. */
export function guardSchema(schema: GraphQLSchema): GraphQLSchema {
  return mapSchema(schema, {
    [MapperKind.ROOT_FIELD]: (field: GraphQLFieldConfig<unknown, Context>, name: string, type: string) => {
      const [directive, ...others] = guardsOf(schema, field);
      if (!directive || others.length > 0)
        throw new Error(`The root field ${name} must carry exactly one guard directive.`);
      const guard = guards[directive]?.(getDirective(schema, field, directive)?.[0] ?? {});
      if (!guard) return field;
      // A subscription is guarded where it opens; its events were allowed by that.
      if (field.subscribe) return { ...field, subscribe: behind(guard, field.subscribe) };
      const resolve = field.resolve ?? defaultFieldResolver;
      return { ...field, resolve: behind(guard, resolve, aheads[`${type}.${name}`]) };
    },
  });
}

function behind(
  guard: Guard,
  resolve: GraphQLFieldResolver<unknown, Context>,
  ahead?: Ahead,
): GraphQLFieldResolver<unknown, Context> {
  return async (source, args, context, info) => {
    await Promise.all([guard(context, args), ahead?.(context, args)]);
    return resolve(source, args, context, info);
  };
}
