import { readdirSync, readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { guardSchema } from './guards.ts';
import { resolvers } from './resolvers.ts';

const folder = new URL('../../schema/', import.meta.url);

/** The contract of schema/*.graphql, with its resolvers behind their guards. */
export function createSchema(): GraphQLSchema {
  const files = readdirSync(folder).filter((file) => file.endsWith('.graphql'));
  const typeDefs = files.map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const schema = makeExecutableSchema({ typeDefs, resolvers });
  // A scalar's resolver takes the place of the whole scalar, also of what the contract says about it.
  for (const type of Object.values(schema.getTypeMap()))
    type.description ??= type.astNode?.description?.value;
  return guardSchema(schema);
}
