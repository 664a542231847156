/** Names of events with the arguments of their handlers. */
type Events<Map> = { [Event in keyof Map]: readonly unknown[] };

/** Calls handlers in the order in which they came. One that throws, or whose promise rejects, is told to `onError`. */
export class Emitter<Map extends Events<Map>> {
  readonly #handlers: { [Event in keyof Map]?: Set<(...args: Map[Event]) => unknown> } = {};
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Returns the way to take the handler off again. */
  on<Event extends keyof Map>(event: Event, handler: (...args: Map[Event]) => unknown): () => void {
    // A handler of its own each time: taking one off leaves the other.
    const own = (...args: Map[Event]): unknown => handler(...args);
    const handlers = this.#handlers[event] ?? new Set();
    this.#handlers[event] = handlers.add(own);
    return () => void handlers.delete(own);
  }

  /** Whether somebody was there, and nobody failed. */
  emit<Event extends keyof Map>(event: Event, ...args: Map[Event]): boolean {
    const handlers = [...(this.#handlers[event] ?? [])];
    return handlers.map((handler) => this.call(handler, ...args)).every(Boolean) && handlers.length > 0;
  }

  /** Calls one handler; false when it threw. */
  call<Args extends readonly unknown[]>(handler: (...args: Args) => unknown, ...args: Args): boolean {
    try {
      const result = handler(...args);
      if (result instanceof Promise) result.catch(this.#onError);
      return true;
    } catch (error) {
      this.#onError(error);
      return false;
    }
  }
}
