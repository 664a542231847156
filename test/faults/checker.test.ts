import { expect, test } from 'vitest';
import { Checker } from './checker.ts';

/** Alice, Bob and Carol, and a signal that Alice sent to Bob and that was acknowledged. */
function sentToBob() {
  const checker = new Checker();
  for (const uid of ['alice', 'bob', 'carol']) checker.join(uid);
  const id = checker.send('alice', { uid: 'bob' });
  checker.acked(id);
  return { checker, id };
}

const nothing = { wrongRecipient: 0, silentlyLost: 0, told: 0, duplicates: 0, outOfOrder: 0 };

test('what arrives once, at the right one, is all right', () => {
  const { checker, id } = sentToBob();
  checker.arrived('bob', id);
  expect(checker.counts()).toMatchObject({ sent: 1, acked: 1, rejected: 0, ...nothing });
});

test('what was acknowledged and does not arrive is lost in silence', () => {
  const { checker } = sentToBob();
  expect(checker.missing()).toBe(1);
  expect(checker.counts()).toMatchObject({ ...nothing, silentlyLost: 1 });
});

test('it is told when the receiver was told after it was sent, and not when before', () => {
  const { checker } = sentToBob();
  checker.told('bob');
  expect(checker.counts()).toMatchObject({ ...nothing, told: 1 });
  checker.acked(checker.send('alice', { uid: 'bob' }));
  expect(checker.counts()).toMatchObject({ ...nothing, told: 1, silentlyLost: 1 });
});

test('what was refused is not expected, and may come', () => {
  const { checker } = sentToBob();
  const refused = checker.send('alice', { uid: 'carol' });
  checker.rejected(refused);
  expect(checker.missing()).toBe(1);
  checker.arrived('carol', refused);
  expect(checker.counts()).toMatchObject({ rejected: 1, acked: 1, wrongRecipient: 0 });
});

test('what comes twice, or to another one, is counted', () => {
  const { checker, id } = sentToBob();
  checker.arrived('bob', id);
  checker.arrived('bob', id);
  checker.arrived('carol', id);
  expect(checker.counts()).toMatchObject({ ...nothing, duplicates: 1, wrongRecipient: 1 });
});

test('a hub is everyone but the sender', () => {
  const { checker, id } = sentToBob();
  checker.arrived('bob', id);
  const toAll = checker.send('alice', { hub: true });
  checker.acked(toAll);
  checker.arrived('bob', toAll);
  expect(checker.counts()).toMatchObject({ ...nothing, silentlyLost: 1 });
  checker.arrived('carol', toAll);
  checker.arrived('alice', toAll);
  expect(checker.counts()).toMatchObject({ ...nothing, wrongRecipient: 1 });
});

test('what was acknowledged before another was sent must not come after it', () => {
  const { checker, id } = sentToBob();
  const later = checker.send('alice', { uid: 'bob' });
  checker.arrived('bob', later);
  checker.arrived('bob', id);
  expect(checker.counts()).toMatchObject({ ...nothing, outOfOrder: 1 });
});
