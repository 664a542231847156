/** The sizes and numbers that the service enforces. The edge publishes them as `service.limits`; config.ts sets them. */
export interface Limits {
  readonly bodyBytes: number;
  readonly jsonBytes: number;
  readonly jsonDepth: number;
  readonly recipients: number;
  readonly socketsPerUser: number;
  readonly streamsPerSocket: number;
  readonly documentTokens: number;
  readonly documentDepth: number;
  readonly documentAliases: number;
  readonly mutationFields: number;
}

export const defaultLimits: Limits = {
  bodyBytes: 128 * 1024,
  jsonBytes: 64 * 1024,
  jsonDepth: 32,
  recipients: 100,
  socketsPerUser: 20,
  streamsPerSocket: 32,
  documentTokens: 1000,
  documentDepth: 10,
  documentAliases: 15,
  mutationFields: 10,
};
