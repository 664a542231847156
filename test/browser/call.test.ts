import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startChildNode } from '../support/child-node.ts';
import { ensureCoturn, startCoturn } from '../support/coturn.ts';
import { randomPrefix, startService } from '../support/service.ts';
import { startSwitch } from '../support/tcp-switch.ts';
import { openProfile } from './chromium.ts';
import { type Visitor, visit } from './visitor.ts';

/** Each way, and more: enough to see that it is no still picture, and more than a buffer held. */
const someFrames = 30;
const manyFrames = 100;

describe('a call between two nodes', () => {
  test('is seen on both sides, and a second device rings until it is told where it was answered', async () => {
    const prefix = randomPrefix();
    const node = () => startService({ engine: 'redis', prefix, env: { DEMO: 'on' } });
    const [one, other, bobs] = await Promise.all([node(), node(), openProfile()]);
    const [alice, bob, bobsTablet] = await Promise.all([
      visit(one.url, 'alice'),
      visit(other.url, 'bob', bobs),
      visit(other.url, 'bob', bobs),
    ]);
    await alice.call('bob');
    await bobsTablet.ring('Alice').waitFor();
    await alice.untilTold('Ringing on 2 devices…');
    await bob.answer('Alice');
    await bobsTablet.untilTold(`Answered on ${bob.device}.`);
    expect(await bobsTablet.ring('Alice').count()).toBe(0);
    await bothSee(alice, bob, manyFrames);
    await bob.hangUp();
    await bothEnded(alice, bob);
  });
});

describe('a node that is killed in mid-call', () => {
  const rounds = Array.from({ length: Number(process.env['REPEAT'] ?? 1) }, (_, round) => round + 1);

  test.for(rounds)('takes nothing of the call with it (round %i)', async () => {
    const prefix = randomPrefix();
    const [doomed, heir] = await Promise.all([
      startChildNode({ DEMO: 'on', REDIS_URL: inject('redisUrl'), REDIS_PREFIX: prefix }),
      startService({ engine: 'redis', prefix, env: { DEMO: 'on' } }),
    ]);
    // What stands before nodes in production, and leads to one that lives.
    const door = await startSwitch(portOf(doomed.url));
    const [alice, bob] = await Promise.all([
      visit(`http://127.0.0.1:${door.port}`, 'alice'),
      visit(heir.url, 'bob'),
    ]);
    await alice.call('bob');
    await bob.answer('Alice');
    await bothSee(alice, bob, 1);

    await doomed.end('SIGKILL');
    await alice.untilConnection('Connection lost');
    await bothSee(alice, bob, someFrames);
    door.pointTo(portOf(heir.url));
    // Over whichever transport: it was in vain that it knocked at the dead node.
    await alice.untilConnection('nothing missed');
    await bothSee(alice, bob, someFrames);
    await alice.hangUp();
    await bothEnded(alice, bob);

    await bob.call('alice');
    await alice.answer('Bob');
    await bob.hangUp();
    await bothEnded(alice, bob, 2);
  });
});

describe('a call that may only go through a relay', () => {
  test('is seen on both sides, with the credentials that the service made', async () => {
    await ensureCoturn();
    const secret = 'a secret that the relay and the service know';
    const coturn = await startCoturn({ secrets: [secret] });
    onTestFinished(coturn.stop);
    const env = { DEMO: 'on', ICE_TURN_URLS: coturn.url, ICE_TURN_SECRETS: secret };
    const { url } = await startService({ engine: 'memory', env });
    const [alice, bob] = await Promise.all([visit(url, 'alice'), visit(url, 'bob')]);
    for (const { page } of [alice, bob])
      await page.evaluate('probe.configuration = { iceTransportPolicy: "relay" }');
    await alice.call('bob');
    await bob.answer('Alice');
    await bothSee(alice, bob, someFrames);
    for (const { page, untilTold } of [alice, bob]) {
      expect(await page.evaluate('probe.route()')).toEqual(['relay', 'relay']);
      await untilTold(/through a relay/);
    }
    await alice.hangUp();
    await bothEnded(alice, bob);
  });
});

async function bothSee(one: Visitor, other: Visitor, frames: number): Promise<void> {
  await Promise.all([one.untilFrames(frames), other.untilFrames(frames)]);
}

async function bothEnded(one: Visitor, other: Visitor, calls = 1): Promise<void> {
  await Promise.all([one.untilEnded(calls), other.untilEnded(calls)]);
}

const portOf = (url: string): number => Number(new URL(url).port);
