import { type DocumentNode, executeSync, type GraphQLSchema, Kind, visit } from 'graphql';
import { createBudget } from '../signaling/budget.ts';
import { SignalingError } from '../signaling/errors.ts';
import { type Batch, isRemembered, type Signal } from '../signaling/signal.ts';
import type { MaskError } from './errors.ts';

/**
 * One way of looking at signals: a subscription's document with the variables that its selection uses. Sockets with the
 * same plan get the same bytes, so each signal is executed and serialised once per plan, however many sockets there are.
 */
export interface Plan {
  /**
   * The signal as a GraphQL result, an error where that fails, in a form that `make` derives from its JSON text. Text and
   * form are each made once per signal.
   */
  renderAs<Form>(signal: Signal, make: (text: string, signal: Signal) => Form): Form;
  /**
   * The same for signals that go to many together: `join` makes one form of those that `make` made, once per batch.
   * A `join` goes with one `make`.
   */
  renderAll<Form, Joined>(
    batch: Batch,
    make: (text: string, signal: Signal) => Form,
    join: (forms: readonly Form[]) => Joined,
  ): Joined;
  /** Says that one socket less uses the plan. */
  release(): void;
}

export interface PlanRequest {
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
}

export interface Plans {
  /** The plan of a valid subscription. Interned: counted by its sockets, dropped with the last of them. */
  acquire(request: PlanRequest): Plan;
  readonly size: number;
  /** How often graphql-js has run for signals. */
  readonly executions: number;
}

/** How long the text of one signal may be. */
const mostText = 1024 * 1024;

/** What stays for replays: of so many signals, so much text. */
const mostRemembered = { count: 1000, bytes: 16 * 1024 * 1024 };

export function createPlans(schema: GraphQLSchema, mask: MaskError): Plans {
  const plans = new Map<string, { plan: Plan; sockets: number }>();
  const remembered = createBudget<Signal>(mostRemembered, (signal) => signal.renders.clear());
  let executions = 0;

  function acquire(request: PlanRequest): Plan {
    const key = keyOf(request);
    const known = plans.get(key) ?? { plan: createPlan(request, () => release(key)), sockets: 0 };
    known.sockets++;
    plans.set(key, known);
    return known.plan;
  }

  function release(key: string): void {
    const known = plans.get(key);
    if (known && --known.sockets === 0) plans.delete(key);
  }

  function createPlan(request: PlanRequest, released: () => void): Plan {
    const operation = operationOf(request);
    // One key for each form of the bytes, under which a signal remembers them.
    const keys = new Map<object, object>();
    const keyOfForm = (make: object): object => keys.get(make) ?? keys.set(make, {}).get(make) ?? make;
    const render = (signal: Signal): string =>
      memo(signal, operation, () => remember(signal, run(operation, signal)));
    const renderAs: Plan['renderAs'] = (signal, make) =>
      memo(signal, keyOfForm(make), () => make(render(signal), signal));
    return {
      renderAs,
      renderAll: (batch, make, join) =>
        memo(batch, keyOfForm(join), () => join(batch.signals.map((signal) => renderAs(signal, make)))),
      release: released,
    };
  }

  /** Notes what a signal has got that somebody keeps. */
  function remember(signal: Signal, text: string): string {
    if (isRemembered(signal)) remembered.add(signal, text.length);
    return text;
  }

  function run(operation: Operation, signal: Signal): string {
    executions++;
    try {
      return textOf(operation, signal);
    } catch (error) {
      // Whoever listens gets to know, and stays: what comes next may be shown again.
      return JSON.stringify({ errors: [mask(error)], data: null });
    }
  }

  function textOf(operation: Operation, signal: Signal): string {
    // Throws when a field is resolved later: nothing in a signal may wait for anything.
    const result = executeSync({
      schema,
      ...operation,
      rootValue: { incomingSignal: signal.view },
      // Nothing below may depend on who looks: without a context it cannot.
      contextValue: undefined,
    });
    const text = JSON.stringify(result.errors ? { ...result, errors: result.errors.map(mask) } : result);
    if (text.length <= mostText) return text;
    throw new SignalingError('PAYLOAD_TOO_LARGE', 'This document makes more than 1 MiB of the signal.');
  }

  return {
    acquire,
    get size() {
      return plans.size;
    },
    get executions() {
      return executions;
    },
  };
}

function memo<Value>({ renders }: Pick<Signal, 'renders'>, key: object, make: () => Value): Value {
  const known = renders.get(key);
  if (known !== undefined) return known as Value;
  const value = make();
  renders.set(key, value);
  return value;
}

/** What a plan executes. */
interface Operation {
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variableValues: Readonly<Record<string, unknown>>;
}

function operationOf({ document, operationName, variables }: PlanRequest): Operation {
  const selection = selectionOf(document);
  const variableValues = Object.fromEntries(givenValues(selection, variables));
  return { document: selection.document, operationName, variableValues };
}

function keyOf({ document, operationName, variables }: PlanRequest): string {
  const values = givenValues(selectionOf(document), variables);
  return JSON.stringify([document.loc?.source.body, operationName ?? null, values]);
}

/** A variable that was left out takes its default; one that is null does not. */
function givenValues({ variables }: Selection, values: PlanRequest['variables']): [string, unknown][] {
  const given = values ?? {};
  return variables.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]);
}

/** The part of a document that decides what a signal looks like, and the variables in it. */
interface Selection {
  readonly document: DocumentNode;
  readonly variables: readonly string[];
}

const known = new WeakMap<DocumentNode, Selection>();

/**
 * A document without the arguments of `incomingSignal` itself: they differ from device to device and decide which
 * signals come. So what one device passed there cannot spoil the rendering that it shares with others.
 */
function selectionOf(document: DocumentNode): Selection {
  const cached = known.get(document);
  if (cached) return cached;
  const bare = visit(document, {
    Field: (field) => (field.name.value === 'incomingSignal' ? { ...field, arguments: [] } : undefined),
  });
  const used = new Set<string>();
  visit(bare, {
    [Kind.VARIABLE_DEFINITION]: () => false,
    [Kind.VARIABLE]: (variable) => {
      used.add(variable.name.value);
    },
  });
  const withoutUnused = visit(bare, {
    [Kind.VARIABLE_DEFINITION]: ({ variable }) => (used.has(variable.name.value) ? undefined : null),
  });
  const selection = { document: withoutUnused, variables: [...used].sort() };
  known.set(document, selection);
  return selection;
}
