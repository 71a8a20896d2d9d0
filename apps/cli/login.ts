import { hostname, userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Identity } from "../access.ts";
import { TealError } from "../errors.ts";
import { createClient } from "./client.ts";
import type { Input } from "./command.ts";
import { isContextName, readContexts, writeContexts } from "./contexts.ts";
import { wrongUsage } from "./parse.ts";
import { readUrl } from "./server.ts";

const INVITATION = /^tealinvite_/;

/** Signs in with a token or an invitation, and keeps the token for later commands. */
export async function login({ args, options, out }: Input): Promise<void> {
  refuseOverSsh("login");
  const url = addressOf(args[0] ?? "");
  const name = typeof options["context"] === "string" ? options["context"] : url.host;
  if (!isContextName(name)) {
    throw wrongUsage(`a context's name is letters, digits, dots and dashes, and '${name}' came`, {
      name: "login",
    });
  }
  const given = await askSecret(`Token or invitation for ${url.origin}: `);
  if (given === "") throw wrongUsage("a token or an invitation was expected", { name: "login" });
  const token = INVITATION.test(given) ? await spend(url, given) : given;
  const me = await createClient({ url, token }).get<Identity>("/whoami");
  const before = await readContexts(process.env);
  const contexts = { ...before.contexts, [name]: { url: url.href, token } };
  await writeContexts(process.env, { current: name, contexts });
  if (out.json) return out.value({ context: name, url: url.origin, name: me.name, role: me.role });
  out.line(`Signed in at ${url.origin} as ${me.name} (${me.role}); context ${name} is in use.`);
}

export async function logout({ options, out }: Input): Promise<void> {
  refuseOverSsh("logout");
  const before = await readContexts(process.env);
  const given = options["context"];
  const name = typeof given === "string" ? given : before.current;
  if (name === null) throw new TealError("context-not-found", { name: "in use" });
  await forget(name);
  if (out.json) return out.value({ context: name, removed: true });
  out.line(`${name} is forgotten here. 'teal tokens:revoke' ends its token.`);
}

export async function listContexts({ out }: Input): Promise<void> {
  refuseOverSsh("contexts");
  const { current, contexts } = await readContexts(process.env);
  const rows = Object.entries(contexts).map(([name, { url }]) => ({
    ...{ name, url },
    current: name === current,
  }));
  if (out.json) return out.value(rows);
  if (rows.length === 0) return out.line("None: 'teal login URL' makes one.");
  out.table(
    ["", "CONTEXT", "ADDRESS"],
    rows.map((one) => [one.current ? "*" : "", one.name, one.url]),
  );
}

export async function useContext({ args, out }: Input): Promise<void> {
  refuseOverSsh("contexts:use");
  const [name = ""] = args;
  const before = await readContexts(process.env);
  if (!Object.hasOwn(before.contexts, name)) throw new TealError("context-not-found", { name });
  await writeContexts(process.env, { ...before, current: name });
  if (out.json) return out.value({ context: name });
  out.line(`Commands speak to ${before.contexts[name]?.url ?? name} from now on.`);
}

export async function removeContext({ args, out }: Input): Promise<void> {
  refuseOverSsh("contexts:remove");
  const [name = ""] = args;
  await forget(name);
  if (out.json) return out.value({ context: name, removed: true });
  out.line(`${name} is forgotten here.`);
}

/** @throws TealError context-not-found */
async function forget(name: string): Promise<void> {
  const { current, contexts } = await readContexts(process.env);
  if (!Object.hasOwn(contexts, name)) throw new TealError("context-not-found", { name });
  const { [name]: _, ...rest } = contexts;
  await writeContexts(process.env, { current: current === name ? null : current, contexts: rest });
}

async function spend(url: URL, invitation: string): Promise<string> {
  const name = `${userInfo().username}@${hostname()}`.slice(0, 60);
  const anonymous = createClient({ url, token: null });
  return (await anonymous.post<{ secret: string }>("/invitations", { invitation, name })).secret;
}

/** `deploy.example.org` is as good as its https address. */
function addressOf(given: string): URL {
  const url = readUrl(/^[a-z]+:\/\//i.test(given) ? given : `https://${given}`);
  if (!url.username && !url.password) return url;
  throw wrongUsage("the token is asked for; it does not belong into the address", {
    name: "login",
  });
}

/** What is typed is not shown; without a terminal it is read from standard input. */
async function askSecret(prompt: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).trim();
  process.stderr.write(prompt);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return (await lines.question("")).trim();
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

/** There, the files and the screen are the platform's. @throws TealError wrong-usage */
function refuseOverSsh(name: string): void {
  if (!process.env["TEAL_OVER_SSH"]) return;
  throw wrongUsage(`'${name}' is for a command line on one's own machine`, { name });
}
