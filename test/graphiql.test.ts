import { parse, validate } from 'graphql';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ExampleTab, exampleTabs } from '../src/graphql/examples.ts';
import { createSchema } from '../src/graphql/schema.ts';
import { data } from './support/api.ts';
import type { Received } from './support/listen.ts';
import { startService, tokenFor } from './support/service.ts';

/** A service, and what its page is given for two users. */
async function startWithPage() {
  const node = await startService({ engine: 'memory', env: { GRAPHIQL: 'on' } });
  const [alice, bob] = await Promise.all([tokenFor('alice'), tokenFor('bob')]);
  const examples = exampleTabs([
    { uid: 'alice', token: alice },
    { uid: 'bob', token: bob },
  ]);
  return { node, settings: { endpoint: `${node.url}/graphql`, examples, tokens: { alice, bob } } };
}

describe('the page', () => {
  test('is what a browser gets, and loads nothing else', async () => {
    const { node } = await startWithPage();
    const page = await fetch(node.url, { headers: { accept: 'text/html' } });
    const html = await page.text();
    expect(page.url).toBe(`${node.url}/graphql`);
    expect(page.headers.get('content-type')).toContain('text/html');
    const elements = html.replaceAll(/(?<=<(script|style)[^>]*>).*?(?=<\/\1>)/gs, '');
    expect(elements).toContain('<div id="root">');
    expect(elements).not.toMatch(/ (src|href)="(?!data:)/);
    expect(html).not.toMatch(/@import ['"u]|url\(['"]?https?:/);
  });

  test('comes compressed, and again only when it has changed', async () => {
    const { node } = await startWithPage();
    const first = await fetch(`${node.url}/graphql`, { headers: { accept: 'text/html' } });
    await first.body?.cancel();
    expect(first.headers.get('content-encoding')).toBe('gzip');
    expect(Number(first.headers.get('content-length'))).toBeLessThan(3_000_000);
    const headers = { accept: 'text/html', 'if-none-match': first.headers.get('etag') ?? '' };
    const again = await fetch(`${node.url}/graphql`, { headers });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  test('is not there unless it is switched on', async () => {
    const { url } = await startService({ engine: 'memory' });
    const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
    expect([page.status, (await fetch(url)).status]).toEqual([406, 404]);
  });
});

describe('the examples', () => {
  const schema = createSchema();

  test.each(exampleTabs([]).map((tab) => [nameOf(tab), tab] as const))('%s fits the contract', (_, tab) => {
    expect(validate(schema, parse(tab.query))).toEqual([]);
  });

  test('are a story in one window: Bob hears of all that Alice does in the other tabs', async () => {
    const { settings } = await startWithPage();
    const page = await visit(settings);
    expect(page.shown()).toBe('BobListens');
    page.run();
    const ready = await page.response({ incomingSignal: { __typename: 'SocketReady' } });
    page.show('AliceDials');
    page.run();
    await page.response({ dial: { offline: false, call: { state: 'RINGING' } } });
    page.show('BobListens');
    const rings = { __typename: 'IncomingCall', name: 'Alice' };
    const { call } = (await page.response({ incomingSignal: rings })).incomingSignal;
    page.show('BobAnswers');
    page.edit('id_of_the_call', call.id);
    page.edit('socketId_of_BobListens', ready.incomingSignal.socketId);
    page.run();
    await page.response({ accept: { __typename: 'Accepted', polite: true, call: { state: 'ACCEPTED' } } });
    page.show('AliceWrites');
    page.run();
    await page.response({ message: { scope: 'USER', offline: false } });
    page.show('AliceHangsUp');
    page.edit('id_of_the_call', call.id);
    page.run();
    await page.response({ hangUp: { changed: true, call: { state: 'ENDED', reason: 'HANGUP' } } });
    page.show('BobListens');
    await page.response({ incomingSignal: { __typename: 'CallLogged', record: { reason: 'HANGUP' } } });
    page.show('AliceListens');
    page.run();
    const { incomingSignal } = await page.response({ incomingSignal: { __typename: 'SocketReady' } });
    page.show('AliceNotifies');
    page.edit('socketId_of_AliceListens', incomingSignal.socketId);
    page.run();
    await page.response({ notify: { hubs: [{ hubId: 'team', sockets: 2, nodes: 1 }] } });
    page.show('BobListens');
    await page.response({ incomingSignal: { __typename: 'HubNotification', payload: { topic: 'Lunch?' } } });
    page.show('AliceListens');
    await page.response({ incomingSignal: { socketId: incomingSignal.socketId } });
  });

  test('that listen end when they are stopped, and when their tab is closed', async () => {
    const { node, settings } = await startWithPage();
    const page = await visit(settings);
    page.run();
    await page.response({ incomingSignal: { __typename: 'SocketReady' } });
    page.stop();
    await vi.waitFor(() => expect(node.stats().sockets).toBe(0), 5000);
    page.run();
    await vi.waitFor(() => expect(node.stats().sockets).toBe(1), 5000);
    page.show('AliceDials');
    page.close('BobListens');
    await vi.waitFor(() => expect(node.stats().sockets).toBe(0), 5000);
  });

  test('that were ended by the service say so when somebody comes back to them', async () => {
    const { node, settings } = await startWithPage();
    const admin = await tokenFor('server', { admin: true });
    const page = await visit(settings);
    page.run();
    await page.response({ incomingSignal: { __typename: 'SocketReady' } });
    page.show('AliceDials');
    await data(node.url, admin, 'mutation { disconnectUser(uid: "bob") { sockets } }');
    await vi.waitFor(() => expect(node.stats().sockets).toBe(0), 5000);
    page.show('BobListens');
    await page.response({ incomingSignal: { __typename: 'SocketClosing', code: 'DISCONNECTED' } });
    expect(page.running()).toBe(false);
  });
});

describe('a second visit', () => {
  test('finds the tabs as they were left, with the tokens of now', async () => {
    const { settings } = await startWithPage();
    const stored = new Map<string, string>();
    const first = await visit({ ...settings, ...withTokens(settings, 'old') }, stored);
    first.show('AliceWrites');
    first.edit('offer', 'answer');
    const second = await visit({ ...settings, ...withTokens(settings, 'new') }, stored);
    expect(second.shown()).toBe('AliceWrites');
    expect(second.begins).toMatchObject({
      variables: expect.stringContaining('"answer"'),
      headers: expect.stringContaining('Bearer alice-new'),
    });
    expect([...stored.values()].join()).not.toContain('-old');
  });

  test('shows nothing of another GraphiQL at the same address', async () => {
    const { settings } = await startWithPage();
    const stored = new Map([['graphiql:tabState', '{"activeTabIndex":0,"tabs":[{"query":"{ theirs }"}]}']]);
    const page = await visit(settings, stored);
    expect(page.shown()).toBe('BobListens');
    expect(stored.get('graphiql:tabState')).toContain('theirs');
  });
});

type Settings = Awaited<ReturnType<typeof startWithPage>>['settings'];

/** The same with made-up tokens. */
function withTokens({ tokens, examples }: Settings, word: string): Pick<Settings, 'tokens' | 'examples'> {
  const replace = (text: string) =>
    text.replace(tokens.alice, `alice-${word}`).replace(tokens.bob, `bob-${word}`);
  return {
    tokens: { alice: `alice-${word}`, bob: `bob-${word}` },
    examples: examples.map((tab) => ({ ...tab, headers: replace(tab.headers) })),
  };
}

function nameOf({ query }: Pick<ExampleTab, 'query'>): string {
  const [operation] = parse(query).definitions;
  return operation?.kind === 'OperationDefinition' ? (operation.name?.value ?? '') : '';
}

const starter = new URL('../src/graphql/graphiql.browser.js', import.meta.url).href;
let visits = 0;

/**
 * Runs the page's own script, with as much of GraphiQL as it deals with: tabs, of which one is shown, and an operation
 * that runs in it. As GraphiQL does, it stops that when another tab is shown, and tells of the change afterwards.
 */
async function visit(settings: Settings, stored = new Map<string, string>()) {
  let given: Received;
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  });
  vi.stubGlobal('YogaGraphiQL', { renderYogaGraphiQL: (_: unknown, props: Received) => (given = props) });
  vi.stubGlobal('document', {
    getElementById: (id: string) => ({ textContent: id === 'settings' ? JSON.stringify(settings) : '' }),
    querySelector: () => ({ click: run }),
  });
  await import(`${starter}?visit=${visits++}`);

  const saved = JSON.parse(given.storage.getItem('graphiql:tabState') ?? 'null');
  let tabs: Received[] =
    saved?.tabs ?? given.defaultTabs.map((tab: ExampleTab, id: number) => ({ id, ...tab }));
  let activeTabIndex: number = saved?.activeTabIndex ?? 0;
  let subscription: { unsubscribe(): void } | undefined;
  let result: Received;

  function tell(): void {
    given.onTabChange({ tabs, activeTabIndex });
    given.storage.setItem('graphiql:tabState', JSON.stringify({ tabs, activeTabIndex }));
  }

  function run(): void {
    const { query, variables, headers } = tabs[activeTabIndex];
    tell();
    const request = { query, variables: JSON.parse(variables), operationName: nameOf({ query }) };
    const answer = given.fetcher(request, { headers: JSON.parse(headers), documentAST: parse(query) });
    const next = (value: Received) => {
      result = value;
    };
    const complete = () => {
      subscription = undefined;
    };
    if (answer.subscribe) subscription = answer.subscribe({ next, complete });
    else answer.then(next);
  }

  function stop(): void {
    subscription?.unsubscribe();
    subscription = undefined;
  }

  onTestFinished(() => {
    given.onTabChange({ tabs: [], activeTabIndex: 0 });
    vi.unstubAllGlobals();
  });
  const placeOf = (name: string) => tabs.findIndex((tab) => nameOf(tab) === name);

  return {
    /** What it starts GraphiQL with. */
    begins: { query: given.initialQuery, variables: given.initialVariables, headers: given.initialHeaders },
    shown: () => nameOf(tabs[activeTabIndex]),
    running: () => subscription !== undefined,
    run,
    stop,
    show(name: string) {
      stop();
      result = undefined;
      activeTabIndex = placeOf(name);
      tell();
    },
    close(name: string) {
      const id = tabs[activeTabIndex].id;
      tabs = tabs.toSpliced(placeOf(name), 1);
      activeTabIndex = tabs.findIndex((tab) => tab.id === id);
      tell();
    },
    edit(text: string, other: string) {
      const tab = tabs[activeTabIndex];
      tabs = tabs.with(activeTabIndex, { ...tab, variables: tab.variables.replace(text, other) });
      tell();
    },
    /** The data of the shown tab's answer, once it has this in it. */
    async response(expected: object): Promise<Received> {
      await vi.waitFor(() => expect(result?.data).toMatchObject(expected), 5000);
      return result.data;
    },
  };
}
