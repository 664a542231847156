import { describe, expect, test } from 'vitest';
import { startService } from '../support/service.ts';
import { visitAs } from './visitor.ts';

describe('a page whose connection is cut', () => {
  test('comes back, shows once what was sent meanwhile, and talks on all the while', async () => {
    // Development mode: the page as the README's one command gives it.
    const { url } = await startService({ engine: 'memory', env: { AUTH_SECRET: '' } });
    const [alice, bob] = await Promise.all([visitAs(url, 'Alice'), visitAs(url, 'Bob')]);
    await alice.press('Call Bob');
    await bob.answer('Alice');
    await bob.untilFrames(1);

    const waves = bob.page.getByRole('log').getByText('Alice waves to team.');
    await bob.press('Cut the connection for 5 s');
    await bob.untilConnection('Connection lost');
    await alice.press('Wave to team');
    await alice.untilLogged(/notify.*Answered in/s);
    expect(await waves.count()).toBe(0);
    await bob.untilFrames(30);
    await bob.untilConnection('nothing missed');
    await bob.untilTold(/^Back after .* All 3 messages sent meanwhile arrived: in order, each once\.$/);
    expect(await waves.count()).toBe(1);

    await bob.press('Reconnect');
    await alice.press('Wave to team');
    await waves.nth(1).waitFor();
    expect(await bob.page.getByText(/received, in order, none twice$/).count()).toBe(1);
    await bob.hangUp();
    await alice.untilTold(/The call with Bob ended after/);
  });
});
