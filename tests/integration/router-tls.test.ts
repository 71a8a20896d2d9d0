import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { createServer, request } from "node:https";
import { createServer as createApp } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:tls";
import { join } from "node:path";
import test from "ava";
import { createCertificates } from "../../apps/certificates.ts";
import { loadSecrets } from "../../apps/secrets.ts";
import { createRedisStore } from "../../apps/store-redis.ts";
import { createIssuer, type Issuer } from "../support/certificates.ts";
import { routeTo } from "../support/router-rig.ts";
import { routerWorld, stop } from "../support/router-process.ts";

/** The serial number of the certificate that a new connection is shown; "" when it gets none. */
function shown(port: number, ca: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", servername: "shop.test", ca });
    socket.on("secureConnect", () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? "");
      socket.destroy();
    });
    socket.on("error", () => resolve(""));
  });
}

function get(port: number, { cert: ca }: Issuer): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", servername: "shop.test", ca, agent: false };
    const headers = { host: "shop.test" };
    const asked = request({ ...options, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += String(chunk)));
      answer.on("end", () => resolve(`${answer.statusCode} ${text}`));
    });
    asked.on("error", reject);
    asked.end();
  });
}

test("A certificate reaches every router process, is exchanged under load, and outlives store and router", async (t) => {
  const world = await routerWorld(t);
  await world.startRedis();
  const app = createApp((_req, res) => res.end("fine")).listen(0, "127.0.0.1");
  t.teardown(() => app.close());
  await once(app, "listening");
  const { port } = app.address() as AddressInfo;
  const secrets = await loadSecrets(join(world.home, "secret-key"));
  const certificates = createCertificates(world.redis, secrets);
  await createRedisStore(world.redis).createApp("shop", "ann");
  const issuer = await createIssuer();
  const add = async () => {
    const { cert: chain, key } = await issuer.issue(["shop.test"]);
    const given = { app: "shop", chain, key, source: "own", by: "ann" } as const;
    return certificates.add(given, ["shop.test"]);
  };
  const serials = async () => {
    const found = new Set<string>();
    for (let i = 0; i < 16; i++) found.add(await shown(world.tlsPort, issuer.cert));
    return found;
  };

  const first = await world.start(1);
  await world.commit(routeTo([port]));
  await world.start(2);
  t.deepEqual([...(await serials())], [""], "no certificate: no TLS");
  await add();
  let [before] = [""];
  await waitFor(async () => {
    const found = await serials();
    [before = ""] = [...found];
    return found.size === 1 && before !== "";
  });
  t.is(await get(world.tlsPort, issuer), "200 fine");

  let going = true;
  let answered = 0;
  const load = Array.from({ length: 6 }, async () => {
    while (going) {
      t.is(await get(world.tlsPort, issuer), "200 fine");
      answered++;
    }
  });
  for (let i = 0; i < 5; i++) {
    await add();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await waitFor(async () => {
    const found = await serials();
    return found.size === 1 && !found.has(before);
  });
  going = false;
  await Promise.all(load);
  t.true(answered > 50, `${answered}`);
  const [now = ""] = [...(await serials())];

  const folder = join(world.home, "certificates");
  for (const name of await readdir(folder)) {
    t.is((await stat(join(folder, name))).mode & 0o777, 0o600);
    t.false((await readFile(join(folder, name), "utf8")).includes("PRIVATE KEY"));
  }
  await world.stopRedis("SIGKILL");
  await stop(first.child, "SIGKILL");
  await world.start(1);
  t.deepEqual([...(await serials())], [now], "both, without the store");
  t.is(await get(world.tlsPort, issuer), "200 fine");

  await world.startRedis();
  await certificates.remove("shop", (await certificates.list("shop"))[0]?.id ?? "");
  await waitFor(async () => [...(await serials())].join() === "");
});

test("A session is resumed at every router process, also at one that came later", async (t) => {
  const world = await routerWorld(t);
  await world.startRedis();
  const app = createApp((_req, res) => res.end("fine")).listen(0, "127.0.0.1");
  t.teardown(() => app.close());
  await once(app, "listening");
  const certificates = createCertificates(
    world.redis,
    await loadSecrets(join(world.home, "secret-key")),
  );
  await createRedisStore(world.redis).createApp("shop", "ann");
  const issuer = await createIssuer();
  const { cert: chain, key } = await issuer.issue(["shop.test"]);
  const given = { app: "shop", chain, key, source: "own", by: "ann" } as const;
  await certificates.add(given, ["shop.test"]);
  const first = await world.start(1);
  await world.commit(routeTo([(app.address() as AddressInfo).port]));
  await world.start(2);
  await waitFor(async () => (await get(world.tlsPort, issuer)) === "200 fine");

  /** How many of 24 connections resumed the session. */
  const resumed = async (session: Buffer) => {
    let count = 0;
    for (let i = 0; i < 24; i++) {
      if ((await visit(world.tlsPort, issuer, session)).resumed) count++;
    }
    return count;
  };
  const { session } = await visit(world.tlsPort, issuer);
  t.is(await resumed(session), 24);
  await stop(first.child, "SIGTERM");
  await world.start(1);
  t.is(await resumed(session), 24);
});

/** A connection with one request, and the session that it leaves. */
async function visit(port: number, { cert: ca }: Issuer, before?: Buffer) {
  const socket = connect({ port, host: "127.0.0.1", servername: "shop.test", ca, session: before });
  let session: Buffer = Buffer.alloc(0);
  let resumed = false;
  socket.on("secureConnect", () => (resumed = socket.isSessionReused()));
  socket.on("session", (ticket: Buffer) => (session = ticket));
  socket.write("GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n");
  socket.resume();
  await once(socket, "close");
  return { session, resumed };
}

test("A TLS port that another process has is waited for, and plain requests are served meanwhile", async (t) => {
  const world = await routerWorld(t);
  const taken = createServer().listen(world.tlsPort, "127.0.0.1");
  await once(taken, "listening");
  const router = await world.start(1);
  await waitFor(async () => router.log().includes("cannot listen for TLS yet"));
  await world.startRedis();
  t.is((await fetch(`http://127.0.0.1:${world.port}/`)).status, 404);
  taken.close();
  await once(taken, "close");
  const isTaken = async () => {
    const server = createServer().listen(world.tlsPort, "127.0.0.1");
    const free = await once(server, "listening").then(
      () => true,
      () => false,
    );
    server.close();
    return !free;
  };
  await waitFor(isTaken);
});

async function waitFor(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("waited in vain");
}
