import type { BrowserContext, Locator, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { tokenFor } from '../support/service.ts';
import { openProfile } from './chromium.ts';

/** Somebody at the page, and what they can do there. */
export interface Visitor {
  readonly page: Page;
  /** What the page calls this device. */
  readonly device: string;
  press(button: string): Promise<void>;
  /** Calls somebody by their uid. */
  call(uid: string): Promise<void>;
  /** Waits until it rings and presses "Answer". */
  answer(name: string): Promise<void>;
  /** Where it rings. */
  ring(name: string): Locator;
  hangUp(): Promise<void>;
  /** Waits until the connection is like this: the words beside its light. */
  untilConnection(words: string): Promise<void>;
  /** Waits until it is in no call, and has so many in its history. */
  untilEnded(calls: number): Promise<void>;
  /** Waits until the page says this somewhere. */
  untilTold(words: string | RegExp): Promise<void>;
  /** Waits until there is such an entry in its log. */
  untilLogged(words: RegExp): Promise<void>;
  /** Waits until so many more pictures of the other side were decoded. */
  untilFrames(more: number): Promise<void>;
}

/** Opens the page, comes in with a token, and waits until it is connected; in a browser of their own unless given one. */
export async function visit(url: string, uid: string, profile?: BrowserContext): Promise<Visitor> {
  const page = await (profile ?? (await openProfile())).newPage();
  await page.goto(url);
  await page.getByLabel('Your token').fill(await tokenFor(uid));
  await page.getByRole('button', { name: 'Come in' }).click();
  return visitorAt(page);
}

/** Opens the page of a service in development mode, chooses who to be, and waits until it is connected. */
export async function visitAs(url: string, firstname: string): Promise<Visitor> {
  const page = await (await openProfile()).newPage();
  await page.goto(url);
  await page.getByRole('link', { name: `I am ${firstname}` }).click();
  return visitorAt(page);
}

async function visitorAt(page: Page): Promise<Visitor> {
  const press = (name: string, within: Page | Locator = page) =>
    within.getByRole('button', { name, exact: true }).click();
  const told = (words: string | RegExp) => page.getByText(words).first().waitFor();
  const ring = (name: string) => page.getByRole('alertdialog', { name: `${name} is calling` });
  const framesDecoded = () => page.evaluate<number>('probe.framesDecoded()');

  const untilConnection = (words: string) =>
    page.getByRole('status').filter({ hasText: words }).first().waitFor();

  const untilLogged = (words: RegExp) =>
    page.getByRole('log').getByRole('listitem').filter({ hasText: words }).first().waitFor();

  async function untilEnded(calls: number): Promise<void> {
    const history = page.getByRole('region', { name: 'Call history' }).getByRole('listitem');
    await history.nth(calls - 1).waitFor();
    await page.getByRole('button', { name: 'Hang up' }).waitFor({ state: 'hidden' });
  }

  async function untilFrames(more: number): Promise<void> {
    const before = await framesDecoded();
    const enough = async () => expect(await framesDecoded()).toBeGreaterThan(before + more);
    await vi.waitFor(enough, { timeout: 20_000, interval: 100 });
  }

  await untilConnection('Connected over WebSocket');
  return {
    page,
    press,
    device: (await page.getByText(/^Chrome, \w+ tab$/).textContent()) ?? '',
    async call(uid) {
      await page.getByLabel('Somebody else, by uid').fill(uid);
      await press('Call');
    },
    answer: (name) => press('Answer', ring(name)),
    ring,
    hangUp: () => press('Hang up'),
    untilConnection,
    untilEnded,
    untilTold: told,
    untilLogged,
    untilFrames,
  };
}
