// One journey with the MCP TypeScript SDK as it is: log in, call a tool, refresh.
//
//   node journey.mjs PACKAGE RESOURCE REDIRECT_URI
//
// Lines of JSON on stdout: {"authorize": URL} wants the address of the redirect as one line on
// stdin; the last line is what the journey found.

import { createInterface } from "node:readline";

const [sdk, resource, redirectUri] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = await load(sdk);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function load(name) {
  if (name === "@modelcontextprotocol/client") return import(name);
  const parts = ["client/index.js", "client/streamableHttp.js", "client/auth.js"];
  return Object.assign({}, ...(await Promise.all(parts.map((part) => import(`${name}/${part}`)))));
}

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

// The SDK's port for what a client keeps and where it sends its user.
const provider = {
  redirectUrl: redirectUri,
  clientMetadata: {
    client_name: "MCP TypeScript SDK",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  authorizations: 0,
  received: [],
  state: () => "state-of-the-typescript-client",
  clientInformation: () => provider.client,
  saveClientInformation: (client) => void (provider.client = client),
  tokens: () => provider.received.at(-1),
  saveTokens: (tokens) => void provider.received.push(tokens),
  codeVerifier: () => provider.verifier,
  saveCodeVerifier: (verifier) => void (provider.verifier = verifier),
  redirectToAuthorization: (url) => {
    provider.authorizations += 1;
    say({ authorize: url.href });
  },
};

function newTransport() {
  return new StreamableHTTPClientTransport(new URL(resource), { authProvider: provider });
}

function newClient() {
  const newestRevision = { versionNegotiation: { mode: "auto" } };
  return new Client({ name: "typescript-client-test", version: "1.0.0" }, newestRevision);
}

async function finishLogIn(transport) {
  const { value: arrived } = await answers.next();
  const answer = new URL(arrived).searchParams;
  if (answer.get("state") !== provider.state()) throw new Error("the state is not ours");
  const takesAll = sdk === "@modelcontextprotocol/client";
  await transport.finishAuth(takesAll ? answer : answer.get("code"));
}

async function connect() {
  const transport = newTransport();
  const client = newClient();
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
  }
  await finishLogIn(transport);
  const loggedIn = newClient();
  await loggedIn.connect(newTransport());
  return loggedIn;
}

async function whoami(client) {
  const { structuredContent } = await client.callTool({ name: "whoami", arguments: {} });
  return structuredContent;
}

const client = await connect();
const before = await whoami(client);

// To this client a token has expired when the server says so: it keeps one that is not good.
provider.received.push({ ...provider.tokens(), access_token: "expired" });
const after = await whoami(client);
const revision = client.transport.protocolVersion;
await client.close();

const [first, , renewed] = provider.received;
say({
  before,
  after,
  client_id: provider.client.client_id,
  revision,
  authorizations: provider.authorizations,
  has_new_access_token: renewed.access_token !== first.access_token,
  has_new_refresh_token: renewed.refresh_token !== first.refresh_token,
});
process.exit(0);
