import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { ensureProgram } from '../support/program.ts';

/** The path of a Chromium; installs it where that needs no question. May take a minute. */
export function ensureChromium(): Promise<string> {
  return ensureProgram('chromium', {
    package: 'chromium',
    elsewhere:
      'Chromium on the PATH, under the name chromium: `sudo apt-get install chromium`, or a link to the browser you have',
  });
}

/** Beside what Playwright gives it, which keeps it from asking its maker for anything. */
const flags = [
  // Drawing goes straight to memory, and not by way of an emulated graphics card.
  '--disable-gpu',
  // A camera with a moving picture, a microphone that beeps.
  '--use-fake-device-for-media-stream=fps=30',
  // Two pages of one machine without a network meet at 127.0.0.1.
  '--allow-loopback-in-peer-connection',
];

/** One for all tests. It ends with the process that started it, however that goes. */
let browser: Promise<Browser> | undefined;

async function launch(): Promise<Browser> {
  const executablePath = await ensureChromium();
  // Its sandbox is not for root, and would guard against our own pages.
  return chromium.launch({ executablePath, chromiumSandbox: false, args: flags });
}

/** A browser as somebody has it, with a storage of its own. It ends with the test, and a page that broke fails it. */
export async function openProfile(): Promise<BrowserContext> {
  browser ??= launch();
  // Somebody who has said yes to the camera; who has not is hidden behind a name that only a network can resolve.
  const context = await (await browser).newContext({ permissions: ['camera', 'microphone'] });
  await context.addInitScript({ path: fileURLToPath(new URL('page-probe.browser.js', import.meta.url)) });
  context.setDefaultTimeout(20_000);
  const faults: string[] = [];
  context.on('weberror', (fault) => faults.push(`${fault.error().stack ?? fault.error()}`));
  context.on('console', (line) => {
    // Refused connections are errors there too, and belong to what is tested.
    if (line.type() === 'error' && line.text().includes('Content Security Policy')) faults.push(line.text());
  });
  onTestFinished(async ({ task }) => {
    // Here, because what waits for a failure is told when the pages are closed.
    if (task.result?.state === 'fail') await describePages(context);
    await context.close();
    expect(faults).toEqual([]);
  });
  return context;
}

const photographs = 'node_modules/.cache/browser';
let taken = 0;

/** What the pages of a failed test show: in words for who reads a log, and as a picture. */
async function describePages(context: BrowserContext): Promise<void> {
  for (const page of context.pages()) {
    const path = `${photographs}/${process.pid}-${++taken}.png`;
    const photograph = page.screenshot({ path, fullPage: true, timeout: 5000 });
    const words = page.locator('body').innerText({ timeout: 5000 });
    const [picture, text] = await Promise.allSettled([photograph, words]);
    const where = picture.status === 'fulfilled' ? `, ${path}` : '';
    const shown = text.status === 'fulfilled' ? text.value.slice(0, 3000) : String(text.reason);
    process.stderr.write(`A page at the end of a failed test (${page.url()}${where}):\n${shown}\n\n`);
  }
}
