import { describe, test, vi } from 'vitest';
import { startService } from '../support/service.ts';
import { openProfile } from './chromium.ts';

describe('GraphiQL', () => {
  test('runs a mutation, and shows what it does to a subscription that runs in another tab', async () => {
    const { url } = await startService({ engine: 'memory', env: { AUTH_SECRET: '' } });
    const page = await (await openProfile()).newPage();
    await page.goto(`${url}/graphql`);
    const run = page.getByRole('button', { name: 'Execute query' });
    const shown = (text: string) => page.getByLabel('Result Window').getByText(text).first().waitFor();
    const tab = (name: string) => page.getByRole('tab', { name });

    await run.click();
    await shown('"SocketReady"');
    await tab('AliceDials').click();
    // On a busy machine GraphiQL takes a moment to know which operation another tab has: until then it is refused.
    const dialled = async (): Promise<boolean> => {
      await run.click();
      return Promise.any([
        shown('"RINGING"').then(() => true),
        shown('"OPERATION_RESOLUTION_FAILURE"').then(() => false),
      ]);
    };
    await vi.waitUntil(dialled, { timeout: 20_000, interval: 250 });
    await tab('BobListens').click();
    await shown('"IncomingCall"');
  });
});
