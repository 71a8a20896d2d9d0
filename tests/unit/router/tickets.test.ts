import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { connect, type SecureVersion } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { createSecrets } from "../../../apps/secrets.ts";
import { shareTicketKeys } from "../../../router/tickets.ts";
import { startRedis } from "../../support/redis.ts";
import { eventually, OK_CLOSE, routeTo, startRawApp } from "../../support/router-rig.ts";
import { kept, startTlsRouter, type TlsRig } from "../../support/tls-rig.ts";

interface Visit {
  resumed: boolean;
  session: Buffer | undefined;
  answer: string;
}

/** One request on a connection of its own, that tries to resume `session`. */
async function visit(
  { tlsPort, issuer }: Pick<TlsRig, "tlsPort" | "issuer">,
  session: Buffer | undefined,
  { version, host = "shop.test" }: { version: SecureVersion; host?: string },
): Promise<Visit> {
  const socket = connect({
    ...{ port: tlsPort, host: "127.0.0.1", servername: host, ca: issuer.cert },
    ...{ session, minVersion: version, maxVersion: version },
  });
  const found: Visit = { resumed: false, session: undefined, answer: "" };
  socket.on("session", (ticket: Buffer) => (found.session = ticket));
  socket.on("data", (chunk) => (found.answer += String(chunk)));
  await once(socket, "secureConnect");
  found.resumed = socket.isSessionReused();
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await once(socket, "close");
  return found;
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test(`${version}: whoever has the keys resumes a session that another router began, at the same certificate`, async (t) => {
    const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
    const [one, other] = [await startTlsRouter(t), await startTlsRouter(t)];
    const both = [kept(await one.issuer.issue(["shop.test"]), ["shop.test"])];
    const news = await one.issuer.issue(["news.test"]);
    both.push(kept(news, ["news.test"], { app: "news" }));
    const ticketKeys = randomBytes(48);
    for (const { router } of [one, other]) {
      router.apply({ type: "route", route: routeTo([app.port]) });
      const route = routeTo([app.port], { app: "news", hosts: ["news.test"] });
      router.apply({ type: "route", route });
      router.setCertificates(both);
      router.setTicketKeys(ticketKeys);
    }
    const there = { tlsPort: other.tlsPort, issuer: one.issuer };
    const first = await visit(one, undefined, { version });
    t.false(first.resumed);
    t.regex(first.answer, / 200 /);
    const again = await visit(there, first.session, { version });
    t.true(again.resumed, "at the other router");
    t.regex(again.answer, / 200 /);
    t.false((await visit(there, first.session, { version, host: "news.test" })).resumed);

    other.router.setCertificates([kept(await one.issuer.issue(["shop.test"]), ["shop.test"])]);
    t.false((await visit(there, first.session, { version })).resumed, "another certificate");
    one.router.setTicketKeys(randomBytes(48));
    const last = await visit(one, first.session, { version });
    t.false(last.resumed, "another key");
    t.regex(last.answer, / 200 /);
    t.true((await visit(one, last.session, { version })).resumed);
  });
}

test("Routers agree on one key per period through the store, where it is sealed and ends with it", async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const secrets = createSecrets(randomBytes(32));
  const heard: (Buffer | null)[][] = [[], [], []];
  const store = redis.connect();
  const share = (index: number, key = secrets) =>
    shareTicketKeys({
      name: (period) => `tickets:${period}`,
      redis: redis.connect(),
      seal: (name, value) => key.seal("*", name, value),
      open: (name, sealed) => key.open("*", name, sealed),
      log: { info: () => undefined, warn: () => undefined },
      changed: (keys) => heard[index]?.push(keys),
      periodMs: 2000,
    });
  // At the beginning of a period, so that none ends in the middle of what follows.
  await eventually(() => Date.now() % 2000 < 100);
  const stops = [share(0), share(1)];
  t.teardown(() => stops.forEach((stop) => stop()));
  await eventually(() => heard[0]?.length === 1 && heard[1]?.length === 1);
  const [[first], [same]] = heard as [[Buffer], [Buffer], []];
  t.is(first.length, 48);
  t.deepEqual(first, same);
  const [name = ""] = await store.keys("tickets:*");
  const stored = (await store.get(name)) ?? "";
  t.false(stored.includes(first.toString("base64")));
  const left = await store.pttl(name);
  t.true(left > 0 && left <= 2000, `${left}`);

  // On a busy machine one of them may be a period ahead for a while.
  await eventually(() => {
    const [mine, theirs] = [heard[0]?.at(-1), heard[1]?.at(-1)];
    return Boolean(mine && theirs && mine.equals(theirs) && !mine.equals(first));
  });
  t.is(heard[0]?.[1], null, "the old one is forgotten before the new one is there");
  // Its time began when the store heard of it: a moment late, where the machine is busy.
  for (let i = 0; i < 100 && (await store.exists(name)) === 1; i++) await sleep(10);
  t.is(await store.exists(name), 0);

  const stranger = share(2, createSecrets(randomBytes(32)));
  t.teardown(stranger);
  redis.server.kill("SIGKILL");
  await eventually(() => heard[0]?.at(-1) === null && heard[1]?.at(-1) === null);
  t.true(heard[2]?.every((keys) => keys === null || keys.length === 48));
});
