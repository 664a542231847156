/** Where the service says what operators should know. Never contains payloads, tokens or addresses of users. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
