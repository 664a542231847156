import { type DocumentNode, executeSync, type GraphQLSchema, Kind, visit } from 'graphql';
import type { Signal } from '../signaling/signal.ts';
import type { MaskError } from './errors.ts';

/**
 * One way of looking at signals: a subscription's document with the variables that its selection uses. Sockets with the
 * same plan get the same bytes, so each signal is executed and serialised once per plan, however many sockets there are.
 */
export interface Plan {
  /** The signal as JSON text of a GraphQL result. Made once per signal. */
  render(signal: Signal): string;
  /** The same, in a form that `make` derives from the text. Made once per signal and form. */
  renderAs<Form>(signal: Signal, make: (text: string, signal: Signal) => Form): Form;
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

export function createPlans(schema: GraphQLSchema, mask: MaskError): Plans {
  const plans = new Map<string, { plan: Plan; sockets: number }>();
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
    // One key for each form of the bytes, under which a signal remembers them.
    const keys = new Map<object, object>();
    const keyOfForm = (make: object): object => keys.get(make) ?? keys.set(make, {}).get(make) ?? make;
    const plan: Plan = {
      render: (signal) => memo(signal, plan, () => run(request, signal)),
      renderAs: (signal, make) => memo(signal, keyOfForm(make), () => make(plan.render(signal), signal)),
      release: released,
    };
    return plan;
  }

  function run({ document, operationName, variables }: PlanRequest, signal: Signal): string {
    executions++;
    // Throws when a field is resolved later: nothing in a signal may wait for anything.
    const result = executeSync({
      schema,
      document,
      operationName,
      variableValues: variables,
      rootValue: { incomingSignal: signal.view },
      // Nothing below may depend on who looks: without a context it cannot.
      contextValue: undefined,
    });
    return JSON.stringify(result.errors ? { ...result, errors: result.errors.map(mask) } : result);
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

function memo<Value>(signal: Signal, key: object, make: () => Value): Value {
  const known = signal.renders.get(key);
  if (known !== undefined) return known as Value;
  const value = make();
  signal.renders.set(key, value);
  return value;
}

function keyOf({ document, operationName, variables }: PlanRequest): string {
  const names = variablesOfSelection(document);
  // A variable that was left out takes its default; one that is null does not.
  const values = names.map((name) => (variables && name in variables ? [variables[name]] : []));
  return JSON.stringify([document.loc?.source.body, operationName ?? null, names, values]);
}

const known = new WeakMap<DocumentNode, string[]>();

/**
 * The variables that decide what a signal looks like: all but those that are only arguments of `incomingSignal`
 * itself, which differ from device to device and decide which signals come.
 */
function variablesOfSelection(document: DocumentNode): string[] {
  const cached = known.get(document);
  if (cached) return cached;
  const names = new Set<string>();
  const selection = visit(document, {
    Field: (field) => (field.name.value === 'incomingSignal' ? { ...field, arguments: [] } : undefined),
  });
  visit(selection, {
    [Kind.VARIABLE_DEFINITION]: () => false,
    [Kind.VARIABLE]: (variable) => {
      names.add(variable.name.value);
    },
  });
  const sorted = [...names].sort();
  known.set(document, sorted);
  return sorted;
}
