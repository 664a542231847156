import { describe, test } from 'vitest';
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
    await run.click();
    await shown('"RINGING"');
    await tab('BobListens').click();
    await shown('"IncomingCall"');
  });
});
