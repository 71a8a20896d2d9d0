import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chmod, stat } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { createGit } from "../../../apps/git.ts";
import { createOutward } from "../../../apps/outward.ts";
import { createTreeFetcher } from "../../../apps/tree-fetcher.ts";
import { createIssuer } from "../../support/certificates.ts";
import { startCiRepo } from "../../support/ci-repo.ts";
import { runCommand } from "../../support/push-world.ts";

const root = mkdtempSync(join(tmpdir(), "teal-trees-"));
const issuer = await createIssuer();
const server = await startCiRepo({ tls: await issuer.issue(["localhost"]) });
const silent = await startCiRepo();
const never = new AbortController().signal;
const caFile = join(root, "ca.pem");
writeFileSync(caFile, issuer.cert);
const env = { HOME: root, GIT_CONFIG_NOSYSTEM: "1" };
const source = join(root, "source");
mkdirSync(join(source, "bin"), { recursive: true });

async function git(...args: string[]): Promise<string> {
  const who = ["-c", "user.name=a", "-c", "user.email=a@b"];
  const { status, output } = await runCommand("git", [...who, ...args], { cwd: source, env });
  if (status !== 0) throw new Error(output);
  return output.trim();
}

/** Commits `text` and gives the commit. */
async function commit(text: string): Promise<string> {
  writeFileSync(join(source, "bin", "compile"), `#!/bin/sh\necho ${text}\n`);
  await chmod(join(source, "bin", "compile"), 0o755);
  await git("add", "-A");
  await git("commit", "-qm", text);
  return git("rev-parse", "HEAD");
}

await git("init", "-q", "-b", "main");
const first = await commit("one");
await git("tag", "-a", "-m", "first", "v1");
const second = await commit("two");
await git("checkout", "-q", "-b", "next");
const third = await commit("three");
await git("push", "-q", server.dir, "main", "next", "v1");

const options = {
  git: createGit({ reposDir: join(root, "repos") }),
  outward: createOutward({ allowPrivate: true }),
  workDir: join(root, "work"),
  knownHosts: join(root, "known"),
  caFile,
  env: {},
};

async function fetchTree(
  ref: string | null,
  more: Partial<Parameters<typeof createTreeFetcher>[0]> = {},
  url = server.url,
) {
  const to = mkdtempSync(join(root, "to-"));
  const fetcher = createTreeFetcher({ ...options, ...more });
  return { to, commit: await fetcher.fetchTree(url, ref, to, never) };
}

test.after.always(() => {
  server.stop();
  silent.stop();
  rmSync(root, { recursive: true, force: true });
});

for (const [named, ref, commitOf, text] of [
  ["the default branch", null, second, "two"],
  ["a branch", "next", third, "three"],
  ["an annotated tag", "v1", first, "one"],
  ["a commit by its id", first, first, "one"],
] as const) {
  test(`${named} is fetched by https, and its commit is said`, async (t) => {
    const { to, commit: got } = await fetchTree(ref);
    t.is(got, commitOf);
    t.deepEqual(readdirSync(to), ["bin"], "there is no history");
    t.is(readFileSync(join(to, "bin/compile"), "utf8"), `#!/bin/sh\necho ${text}\n`);
    t.is((await stat(join(to, "bin/compile"))).mode & 0o111, 0o111);
  });
}

for (const ref of ["nowhere", "0".repeat(39) + "1", first.slice(0, 10)]) {
  test(`there is no ${ref}, and the error says what may stand there`, async (t) => {
    await t.throwsAsync(fetchTree(ref), {
      code: "build-failed",
      message: new RegExp(
        `shop\\.git could not be fetched: it has no branch, tag or commit '${ref}' \\(.*40 digits`,
      ),
    });
  });
}

test("only https is spoken", async (t) => {
  for (const url of [silent.url, "ssh://git@127.0.0.1/ann/shop.git"])
    await t.throwsAsync(fetchTree(null, {}, url), {
      message: /an address with https:\/\/ was expected/,
    });
  for (const url of ["file:///etc", "ext::sh -c true", "/etc"])
    await t.throwsAsync(fetchTree(null, {}, url), { code: "bad-request" });
  t.deepEqual(silent.requests, []);
});

test("a server whose authority is not trusted is refused", async (t) => {
  await t.throwsAsync(fetchTree(null, { caFile: null }), {
    code: "build-failed",
    message: /certificate/,
  });
});

test("a repository on a private network is refused at the connection", async (t) => {
  const outward = createOutward({ allowPrivate: false });
  await t.throwsAsync(fetchTree(null, { outward }), { code: "private-address" });
});

test("what is larger, or takes longer, than it may is ended", async (t) => {
  await t.throwsAsync(fetchTree(null, { maxBytes: 100 }), { message: /more than 100 bytes came/ });
  await git("checkout", "-q", "-b", "large", "main");
  writeFileSync(join(source, "zeros"), Buffer.alloc(2_000_000));
  await commit("large");
  await git("push", "-q", server.dir, "large");
  // Zeros are few bytes on their way.
  await t.throwsAsync(fetchTree("large", { maxBytes: 500_000 }), {
    message: /its tree is larger than 500000 bytes/,
  });
  await t.throwsAsync(fetchTree(null, { timeoutMs: 1 }), { message: /took longer than 0\.001 s/ });
  t.deepEqual(readdirSync(join(root, "work")), [], "nothing is left of it");
});

test("a repository that wants a password is said to", async (t) => {
  const closed = await startCiRepo({ password: "ann:x", tls: await issuer.issue(["localhost"]) });
  t.teardown(closed.stop);
  await t.throwsAsync(fetchTree(null, {}, closed.url), { message: /wants a password/ });
});

/** A proxy that leads every CONNECT to `port` of this machine, or answers with `status`. */
async function startProxy(port: number, status = 200) {
  const asked: string[] = [];
  const proxy = createServer((_, res) => res.writeHead(400).end());
  proxy.on("connect", (req, client) => {
    asked.push(req.url ?? "");
    client.on("error", () => client.destroy());
    if (status !== 200) return client.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const onward = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(onward).pipe(client);
    });
    onward.on("error", () => client.destroy());
    client.once("close", () => onward.destroy());
    return undefined;
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return { url, asked, stop: () => proxy.close() };
}

test("a platform behind a proxy fetches through it, where the name alone leads nowhere", async (t) => {
  const host = "git.teal.invalid";
  const far = await startCiRepo({ tls: await issuer.issue([host]) });
  const proxy = await startProxy(far.port);
  const closed = await startProxy(far.port, 407);
  t.teardown(() => [far, proxy, closed].forEach((one) => one.stop()));
  await git("push", "-q", far.dir, "main");
  const url = `https://${host}:${far.port}/ann/shop.git`;

  const workDir = join(root, "proxied");
  const by = (given: Record<string, string>) => fetchTree("main", { env: given, workDir }, url);
  for (const name of ["HTTPS_PROXY", "https_proxy"]) {
    const { commit: got } = await by({ [name]: proxy.url });
    t.is(got, second);
  }
  t.deepEqual([...new Set(proxy.asked)], [`${host}:${far.port}`]);

  const before = proxy.asked.length;
  await t.throwsAsync(by({ HTTPS_PROXY: proxy.url, NO_PROXY: host }), {
    message: /could not be fetched: .*resolve/i,
  });
  t.is(proxy.asked.length, before, "hosts that need no proxy are not asked of it");
  await t.throwsAsync(by({ HTTPS_PROXY: closed.url }), {
    code: "build-failed",
    message: /could not be fetched: .*407/,
  });
  t.deepEqual(readdirSync(workDir), [], "nothing is left of it");
});
