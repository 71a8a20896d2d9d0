import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import library from "acme-client";
import test, { type ExecutionContext } from "ava";
import { createAcme } from "../../../apps/acme.ts";
import { createSecrets } from "../../../apps/secrets.ts";
import { createOrder } from "../../../workers/acme-order.ts";
import { startRedis } from "../../support/redis.ts";
import { deadPort } from "../../support/router-rig.ts";

// Otherwise the library asks for more than a minute.
test.before(() => {
  Object.assign(library.axios.defaults, { acmeSettings: { retryMaxAttempts: 0 } });
});

async function failureAt(t: ExecutionContext, directory: string): Promise<string> {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const acme = createAcme(redis.connect(), createSecrets(randomBytes(32)));
  const order = createOrder({ acme, directory, email: null, caFile: null });
  return (await t.throwsAsync(order("shop.example.org", "http-01"))).message;
}

/** An ACME server that refuses accounts with `problem`. */
async function startRefusing(t: ExecutionContext, status: number, detail: string) {
  const server = createServer((req, res) => {
    const { port } = server.address() as AddressInfo;
    const at = `http://127.0.0.1:${port}`;
    res.setHeader("replay-nonce", randomBytes(8).toString("hex"));
    res.setHeader("content-type", "application/json");
    const directory = { newNonce: `${at}/nonce`, newAccount: `${at}/account` };
    if (req.url === "/dir") return res.end(JSON.stringify(directory));
    if (req.method === "HEAD") return res.end();
    return res.writeHead(req.url === "/account" ? status : 404).end(JSON.stringify({ detail }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.serial("a directory that cannot be reached is said to be, with what to do", async (t) => {
  const directory = `https://127.0.0.1:${await deadPort()}/dir`;
  const says = await failureAt(t, directory);
  t.true(
    says.startsWith(`An ACME server was expected at ${directory}, and it cannot be reached: `),
  );
  t.regex(says, /ECONNREFUSED.*TEAL_ACME_DIRECTORY/);
});

test.serial("what is no directory is said to be none", async (t) => {
  const at = await startRefusing(t, 400, "");
  t.regex(await failureAt(t, `${at}/other`), /returned error 404.* Correct TEAL_ACME_DIRECTORY\./);
});

test.serial("rate limits, CAA and other refusals keep the server's words", async (t) => {
  const of = async (status: number, detail: string) =>
    failureAt(t, `${await startRefusing(t, status, detail)}/dir`);
  const limit = "too many registrations for this IP, retry after 2026-11-25";
  const limited = await of(429, limit);
  t.true(limited.startsWith(`The ACME server takes no more orders for now: ${limit}.`), limited);
  const caa = "CAA record for shop.example.org prevents issuance";
  t.regex(await of(403, caa), /prevents issuance\. Add a CAA record that names this authority/);
  t.is(await of(400, "contact is malformed"), "contact is malformed.");
});
