/*
 * Runs in the browser, after GraphiQL's own script, and starts it. Two of its habits would break the examples:
 * - It stops a subscription when its tab is left, so that nobody listens when the next tab dials. Here a stream stays
 *   open until it is stopped or its tab is closed; who comes back to the tab sees its last signal, and it goes on.
 * - It shows the tabs of an earlier visit, with the tokens of then, and those of any other GraphiQL that was opened
 *   under this address. Here its storage has a name of its own, and old tokens are replaced by those of now.
 */

const { title, endpoint, examples, defaultHeaders, tokens } = JSON.parse(
  document.getElementById('settings').textContent,
);

const storageName = 'call-signaling:';
const storage = {
  getItem: (key) => localStorage.getItem(storageName + key),
  setItem: (key, value) => localStorage.setItem(storageName + key, value),
  removeItem: (key) => localStorage.removeItem(storageName + key),
  clear() {
    const ours = Object.keys(localStorage).filter((key) => key.startsWith(storageName));
    for (const key of ours) localStorage.removeItem(key);
  },
};

/** Where GraphiQL keeps its tabs. */
const tabsKey = 'graphiql:tabState';
const tokensKey = 'tokens';

function renewTokens() {
  const before = JSON.parse(storage.getItem(tokensKey) ?? '{}');
  let tabs = storage.getItem(tabsKey) ?? 'null';
  for (const [uid, token] of Object.entries(before)) tabs = tabs.replaceAll(token, tokens[uid] ?? token);
  storage.setItem(tabsKey, tabs);
  storage.setItem(tokensKey, JSON.stringify(tokens));
}

/** The tab to begin with. GraphiQL is told its content, because by itself it forgets the variables of the first one. */
function firstTab() {
  const stored = JSON.parse(storage.getItem(tabsKey));
  return stored?.tabs[stored.activeTabIndex] ?? examples[0];
}

/** The open streams, by the id of their tab. */
const streams = new Map();

/** GraphiQL's tabs as it last told, and the place of the one that is shown. */
let told = { tabs: [], activeTabIndex: 0 };
const shownTab = () => told.tabs[told.activeTabIndex]?.id;

function onTabChange(state) {
  const before = shownTab();
  told = state;
  for (const [id, { stop }] of streams) if (!told.tabs.some((tab) => tab.id === id)) stop();
  if (shownTab() === before) return;
  streams.get(before)?.hide();
  // Running it again is how GraphiQL takes up a stream that its tab has left.
  if (streams.has(shownTab())) setTimeout(() => document.querySelector('.graphiql-execute-button')?.click());
}

/** Sends an operation for GraphiQL: answers with a promise of the result, or with a stream to subscribe to. */
function fetcher(request, { headers, documentAST } = {}) {
  const stream = documentAST && streams.get(shownTab());
  if (stream) return stream;
  if (isSubscription(documentAST, request.operationName)) return openStream(shownTab(), request, headers);
  return send(request, headers, 'application/json').then((response) => response.json());
}

function isSubscription(documentAST, operationName) {
  const operations = documentAST?.definitions.filter(({ kind }) => kind === 'OperationDefinition') ?? [];
  const chosen = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  return chosen?.operation === 'subscription';
}

function send(request, headers, accept, signal) {
  return fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers, accept },
    body: JSON.stringify(request),
    signal,
  });
}

/** A stream that goes on while its tab is not shown. */
function openStream(id, request, headers) {
  const leaving = new AbortController();
  const stream = { subscribe, hide, stop };
  let observer;
  let last;
  let ended = false;

  function subscribe(shown) {
    observer = shown;
    // Later, because GraphiQL does not expect anything before it has what this returns.
    queueMicrotask(() => {
      if (last) observer?.next(last);
      if (ended) end();
    });
    return { unsubscribe };
  }

  /** GraphiQL does this when somebody stops the stream, and also just before it tells that another tab is shown. */
  function unsubscribe() {
    observer = undefined;
    queueMicrotask(() => {
      if (shownTab() === id) stop();
    });
  }

  function hide() {
    observer?.complete();
    observer = undefined;
  }

  function stop() {
    leaving.abort();
    if (streams.get(id) === stream) streams.delete(id);
  }

  /** One that ends while its tab is not shown is kept until somebody has seen its last signal. */
  function end() {
    ended = true;
    if (observer) stop();
    hide();
  }

  function show(result) {
    last = result;
    observer?.next(result);
  }

  async function follow() {
    try {
      const response = await send(request, headers, 'text/event-stream', leaving.signal);
      for await (const result of resultsOf(response)) show(result);
    } catch (error) {
      if (leaving.signal.aborted) return;
      show({ ...last, errors: [{ message: `The stream broke off: ${error.message}` }] });
    }
    end();
  }

  streams.set(id, stream);
  void follow();
  return stream;
}

/** The results in a body of server-sent events; a body of another type is one result. */
async function* resultsOf(response) {
  if (!response.headers.get('content-type')?.includes('event-stream')) return yield await response.json();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (text + value).split('\n\n');
    text = events.pop();
    for (const event of events) {
      const data = /^data: (.+)$/m.exec(event)?.[1];
      if (data) yield JSON.parse(data);
    }
  }
}

renewTokens();
const { query, variables, headers } = firstTab();
YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  title,
  fetcher,
  storage,
  onTabChange,
  // By default each edit is put into the address, and a reload makes a tab of it.
  onEditQuery() {},
  defaultTabs: examples,
  defaultHeaders,
  initialQuery: query,
  initialVariables: variables,
  initialHeaders: headers,
  defaultEditorToolsVisibility: 'variables',
});
