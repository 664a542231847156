import { makeExecutableSchema } from '@graphql-tools/schema';
import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  parse,
  validate,
} from 'graphql';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type * as contract from '../src/graphql/generated.ts';
import { guardSchema } from '../src/graphql/guards.ts';
import { createSchema } from '../src/graphql/schema.ts';
import type { CallChange, CallState, EndReason } from '../src/signaling/call.ts';
import type { HangUpReason } from '../src/signaling/hang-up.ts';
import type { CallDirection } from '../src/signaling/history.ts';
import type { LegState } from '../src/signaling/leg.ts';
import type { Permission } from '../src/signaling/permission.ts';
import type { RecoveryFailure } from '../src/signaling/recovery.ts';
import {
  type CallRole,
  type ClosingCode,
  type Scope,
  type SignalKind,
  signalKinds,
} from '../src/signaling/signal.ts';
import { person } from './support/person.ts';
import { startService } from './support/service.ts';

const schema = createSchema();
const ours = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);
const directives = schema.getDirectives().filter((directive) => !isSpecifiedDirective(directive));
const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].map(
  (root) => root as GraphQLObjectType,
);
const rootFields = roots.flatMap((root) => Object.values(root.getFields()));
const guardNames = ['hubScope', 'callScope', 'signedIn', 'adminOnly', 'public'];

interface Described {
  readonly name: string;
  readonly description?: string | null | undefined;
}

/** A type and everything in it, each by its full name. */
function partsOf(type: GraphQLNamedType): Described[] {
  const within = (owner: string, parts: readonly Described[]) =>
    parts.map(({ name, description }) => ({ name: `${owner}.${name}`, description }));
  if (isEnumType(type)) return [type, ...within(type.name, type.getValues())];
  if (isInputObjectType(type)) return [type, ...within(type.name, Object.values(type.getFields()))];
  if (!isObjectType(type) && !isInterfaceType(type)) return [type];
  const fields = Object.values(type.getFields());
  return [
    type,
    ...within(type.name, fields),
    ...fields.flatMap((field) => within(`${type.name}.${field.name}`, field.args)),
  ];
}

/** Every field of a type, and of what it leads to, as a selection. */
function selectionOf(type: GraphQLNamedType): string {
  if (!isObjectType(type) && !isInterfaceType(type)) return '';
  const fields = Object.values(type.getFields());
  return `{ __typename ${fields.map((field) => `${field.name} ${selectionOf(getNamedType(field.type))}`).join(' ')} }`;
}

function kindsOf(name: string): readonly GraphQLObjectType[] {
  const type = schema.getType(name);
  if (!isInterfaceType(type)) throw new Error(`${name} is an interface`);
  return schema.getPossibleTypes(type);
}

describe('descriptions', () => {
  test('of every type, field, argument, enum value, input field and directive end like sentences', () => {
    const described = [
      ...ours.flatMap(partsOf),
      ...directives.flatMap((directive) => [
        directive,
        ...directive.args.map(({ name, description }) => ({
          name: `@${directive.name}.${name}`,
          description,
        })),
      ]),
    ];
    expect(described.length).toBeGreaterThan(200);
    const faulty = described.filter(({ description }) => !/^[A-Z`].*[.?!]$/s.test(description ?? ''));
    expect(faulty.map(({ name, description }) => `${name}: ${description}`)).toEqual([]);
  });
});

describe('guards', () => {
  test.each(rootFields.map((field) => [field.name, field] as const))(
    '%s carries exactly one of the five',
    (_, field) => {
      const carried = field.astNode?.directives?.map(({ name }) => name.value) ?? [];
      expect(carried.filter((name) => guardNames.includes(name))).toHaveLength(1);
      const takes = field.args.map(({ name, type }) => `${name}: ${type}`);
      if (carried.includes('hubScope')) expect(takes).toContain('hubId: ID!');
      if (carried.includes('callScope')) expect(takes).toContain('callId: ID!');
    },
  );

  test('are the only directives of ours', () => {
    expect(directives.map(({ name }) => name).sort()).toEqual([...guardNames].sort());
  });

  test.each([
    ['Query', 'without one', 'type Query { open: Int }', 'open'],
    ['Query', 'with two', 'type Query { open: Int @public @signedIn }', 'open'],
    ['Mutation', 'without one', 'type Query { a: Int @public } type Mutation { act: Int }', 'act'],
    [
      'Subscription',
      'without one',
      'type Query { a: Int @public } type Subscription { heard: Int @deprecated }',
      'heard',
    ],
  ])('a field of %s %s is refused when the schema is built', (_, __, types, field) => {
    const declared = guardNames.map((name) => `directive @${name} on FIELD_DEFINITION`);
    const unguarded = makeExecutableSchema({ typeDefs: [...declared, types] });
    expect(() => guardSchema(unguarded)).toThrow(
      `The root field ${field} must carry exactly one guard directive.`,
    );
  });
});

describe('signals', () => {
  const everything = `subscription { incomingSignal { ${kindsOf('Signal')
    .map((kind) => `... on ${kind.name} ${selectionOf(kind)}`)
    .join('\n')} } }`;

  test('can be selected whole, all kinds at once, without an alias', () => {
    expect(validate(schema, parse(everything))).toEqual([]);
  });

  test('come whole to a socket that selects everything', async () => {
    const { url } = await startService({ engine: 'memory' });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    const [own, ear] = [await alice.open(), await bob.open({ query: everything })];
    const { socketId } = own.ready;
    await alice.notify({ recipients: ['team'], socketId });
    await alice.message({ target: { uid: 'bob' }, role: 'CALLER', type: 'cancel' });
    const { call } = await alice.dial({ target: { uid: 'bob' }, roomId: 'r', roomType: 'video' });
    await alice.hangUp(call.id);
    const server = await person(url, 'server', { admin: true });
    await server.ask('mutation { disconnectUser(uid: "bob") { sockets } }');
    await ear.ended;
    // Only delivered to those who ask for it: see presence.test.ts.
    const unasked = kindsOf('Signal').filter(({ name }) => name !== 'PresenceChanged');
    const kinds = [
      'SocketReady',
      'HubNotification',
      'PeerMessage',
      'CallLogged',
      'IncomingCall',
      'CallUpdated',
      'CallLogged',
      'SocketClosing',
    ];
    expect(ear.received.map(({ __typename }) => __typename)).toEqual(kinds);
    expect(new Set(kinds)).toEqual(new Set(unasked.map(({ name }) => name)));
  });

  test('can be chosen by the kinds that the domain knows', () => {
    const kind = schema.getType('SignalKind');
    const values = isEnumType(kind) ? kind.getValues() : [];
    expect(values.map(({ name }) => name).sort()).toEqual(Object.keys(signalKinds).sort());
    for (const { name, description } of values) {
      expect(description).toContain(`\`${signalKinds[name as SignalKind]}\``);
    }
    const always = ['SocketReady', 'SocketClosing'];
    const types = kindsOf('Signal').map(({ name }) => name);
    expect(types.sort()).toEqual([...Object.values(signalKinds), ...always].sort());
  });
});

test('the contract and the domain name the same values', () => {
  expectTypeOf<contract.SignalKind>().toEqualTypeOf<SignalKind>();
  expectTypeOf<contract.Scope>().toEqualTypeOf<Scope>();
  expectTypeOf<contract.CallRole>().toEqualTypeOf<CallRole>();
  expectTypeOf<contract.CallState>().toEqualTypeOf<CallState>();
  expectTypeOf<contract.EndReason>().toEqualTypeOf<EndReason>();
  expectTypeOf<contract.CallChange>().toEqualTypeOf<CallChange>();
  expectTypeOf<contract.LegState>().toEqualTypeOf<LegState>();
  expectTypeOf<contract.HangUpReason>().toEqualTypeOf<HangUpReason>();
  expectTypeOf<contract.CallDirection>().toEqualTypeOf<CallDirection>();
  expectTypeOf<contract.ClosingCode>().toEqualTypeOf<ClosingCode>();
  expectTypeOf<contract.RecoveryFailure>().toEqualTypeOf<RecoveryFailure>();
  expectTypeOf<contract.Permission>().toEqualTypeOf<Permission>();
});
