import test from "ava";
import { createAudit, type Audit, type AuditEvent } from "../../../apps/audit.ts";
import { keys } from "../../../apps/keys.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const ANN = { name: "ann" };
const API = { over: "api", address: "192.0.2.7" } as const;
let server: TestRedis;
let audit: Audit;
const warned: unknown[] = [];
test.before(async () => {
  server = await startRedis();
  audit = createAudit(server.connect(), { warn: (...args: unknown[]) => void warned.push(args) });
});
test.after.always(async () => {
  audit?.close();
  await server?.stop();
});

const actions = (events: AuditEvent[]) => events.map((event) => event.action);
const newApp = (name: string) => createRedisStore(server.connect()).createApp(name, "ann");

test.serial(
  "an event says who did what, when and from where, and is found under its app and the platform",
  async (t) => {
    await newApp("said");
    const about = { action: "config:set", app: "said", detail: { set: "KEY" }, deploy: "said-1" };
    await audit.record(ANN, API, about);
    const [event] = await audit.list({ app: "said", limit: 10 });
    t.like(event, { who: "ann", over: "api", address: "192.0.2.7", outcome: "done", ...about });
    t.true(Math.abs(event!.at - Date.now()) < 5000);
    const everywhere = await audit.list({ limit: 200, readable: (one) => one.app === "said" });
    t.deepEqual(everywhere, [event]);
  },
);

test.serial(
  "pages follow each other without a gap, and a reader sees only what it may",
  async (t) => {
    await newApp("pages");
    for (let i = 0; i < 5; i++) await audit.record(ANN, API, { action: `do${i}`, app: "pages" });
    const first = await audit.list({ app: "pages", limit: 2 });
    const rest = await audit.list({ app: "pages", limit: 10, before: first.at(-1)!.id });
    t.deepEqual(actions([...first, ...rest]), ["do4", "do3", "do2", "do1", "do0"]);
    t.deepEqual(await audit.list({ limit: 10, readable: () => false }), []);
    await t.throwsAsync(audit.list({ limit: 1, before: "nonsense" }), {
      message: /not one of an event/,
    });
  },
);

test.serial("who follows gets each event once, from where it left off", async (t) => {
  await newApp("follow");
  await audit.record(ANN, API, { action: "before", app: "follow" });
  const [before] = await audit.list({ app: "follow", limit: 1 });
  const stop = new AbortController();
  const got: AuditEvent[] = [];
  const following = (async () => {
    const events = audit.follow({ app: "follow", after: before!.id, signal: stop.signal });
    for await (const event of events) if (got.push(event) === 3) stop.abort();
  })();
  for (const action of ["one", "two", "three"]) {
    await audit.record(ANN, API, { action: "elsewhere", app: "other-app" });
    await audit.record(ANN, API, { action, app: "follow" });
  }
  await following;
  t.deepEqual(actions(got), ["one", "two", "three"]);
  t.is(new Set(got.map((event) => event.id)).size, 3);
});

test.serial(
  "what a stranger is refused is noted once, so that it pushes nothing out",
  async (t) => {
    const refused = { action: "sign-in", outcome: "refused", error: "not-signed-in" } as const;
    const before = await server.connect().xlen(keys.events);
    for (let i = 0; i < 50; i++) await audit.record(null, API, refused);
    t.is((await server.connect().xlen(keys.events)) - before, 1);
    const from = (i: number) => ({ over: "api", address: `2001:db8::${i}` }) as const;
    for (let i = 0; i < 200; i++) await audit.record(null, from(i), refused);
    t.true((await server.connect().xlen(keys.events)) - before <= 60);
  },
);

test.serial("an event stays on its line and repeats no token", async (t) => {
  await newApp("line");
  const secret = `teal_${"x".repeat(43)}`;
  const detail = { host: `a\u001b[31m\nb ${secret}`, long: "y".repeat(5000) };
  await audit.record({ name: `ann\r${secret}` }, API, { action: "add", app: "line", detail });
  const [event] = await audit.list({ app: "line", limit: 1 });
  t.is(event!.who, "ann teal_…");
  t.is(event!.detail?.["host"], "a [31m b teal_…");
  t.is(event!.detail?.["long"]?.length, 200);
});

test.serial(
  "an app that is forgotten takes its events with it; one of the same name starts anew",
  async (t) => {
    const store = createRedisStore(server.connect());
    const { id } = await store.createApp("gone", "ann");
    await audit.record(ANN, API, { action: "old", app: "gone" });
    await store.destroyApp("gone");
    await store.forgetApp("gone", id);
    await audit.record(ANN, API, { action: "late", app: "gone" });
    await newApp("gone");
    t.deepEqual(await audit.list({ app: "gone", limit: 10 }), []);
  },
);

test.serial(
  "a store that is away costs the event and nothing else; it is in the log then",
  async (t) => {
    const other = await startRedis();
    const lonely = createAudit(other.connect({ maxRetriesPerRequest: 1 }), {
      warn: (...args: unknown[]) => void warned.push(args),
    });
    await other.stop();
    const before = warned.length;
    await lonely.record(ANN, API, { action: "lost" });
    t.is(warned.length, before + 1);
    t.regex(JSON.stringify(warned.at(-1)), /"action":"lost"/);
    lonely.close();
  },
);

test.serial(
  "a script that comes by SSH again and again is noted once an hour, by key and address",
  async (t) => {
    const count = () => server.connect().xlen(keys.events);
    const from = (address: string) => ({ over: "ssh", address }) as const;
    const before = await count();
    for (let i = 0; i < 20; i++) await audit.record(ANN, from("192.0.2.8"), { action: "sign-in" });
    t.is((await count()) - before, 1);
    await audit.record(ANN, from("192.0.2.9"), { action: "sign-in" });
    await audit.record({ name: "bob" }, from("192.0.2.9"), { action: "sign-in" });
    t.is((await count()) - before, 3);
    for (let i = 0; i < 3; i++)
      await audit.record(ANN, from("192.0.2.8"), { action: "config:set" });
    t.is((await count()) - before, 6, "what they do is noted each time");
  },
);

test.serial(
  "the newest 1,000 of an app and 10,000 of the platform are kept, of 90 days",
  async (t) => {
    const redis = server.connect();
    await newApp("bounds");
    const day = 24 * 3600 * 1000;
    const old = { at: Date.now() - 91 * day, who: "ann", action: "old", app: "bounds" };
    await redis.xadd(keys.appEvents("bounds"), `${old.at}-0`, "event", JSON.stringify(old));
    const recent = { ...old, at: Date.now() - 89 * day, action: "recent" };
    await redis.xadd(keys.appEvents("bounds"), `${recent.at}-0`, "event", JSON.stringify(recent));
    await audit.record(ANN, API, { action: "new", app: "bounds" });
    t.deepEqual(actions(await audit.list({ app: "bounds", limit: 10 })), ["new", "recent"]);

    for (let batch = 0; batch < 101; batch++) {
      const app = batch < 11 ? { app: "bounds" } : {};
      const many = Array.from({ length: 100 }, () =>
        audit.record(ANN, API, { action: "x", ...app }),
      );
      await Promise.all(many);
    }
    t.is(await redis.xlen(keys.appEvents("bounds")), 1000);
    t.is(await redis.xlen(keys.events), 10_000);
  },
);
