import { createServer as createPlainServer } from "node:net";
import test from "ava";
import { createRouter } from "../../../router/server.ts";
import {
  ask,
  deadPort,
  listen,
  OK_CLOSE,
  rawClient,
  routeTo,
  startRawApp,
  startHttpApp,
} from "../../support/router-rig.ts";

test("Hundreds of clients that come at once are all answered, and two processes' worth of routers share a port", async (t) => {
  const appPort = await startHttpApp(t, (_req, res) => res.end("fine"));
  const route = routeTo([appPort]);
  const port = await deadPort();
  const routers = ["r1", "r2"].map((id) => createRouter({ id, ack: () => undefined }));
  t.teardown(() => Promise.all(routers.map((router) => router.close(0))));
  for (const router of routers) {
    router.apply({ type: "route", route });
    await router.listen({ port, host: "127.0.0.1" });
  }
  const answers = await Promise.all(Array.from({ length: 300 }, () => ask(t, port)));
  t.true(answers.every((answer) => answer.endsWith("fine")));
  const served = routers.map((router) => router.counters("shop").served[1] ?? 0);
  t.is((served[0] ?? 0) + (served[1] ?? 0), 300);
  t.true(Math.min(...served) > 0, `both took part: ${served.join(" and ")}`);
});

test("A router that is closed has left its port, on all of its sockets", async (t) => {
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  const port = await deadPort();
  const router = createRouter({ id: "r1", ack: () => undefined });
  router.apply({ type: "route", route: routeTo([app.port]) });
  await router.listen({ port, host: "127.0.0.1" });
  t.regex(await ask(t, port), /200 OK/);
  await router.close(0);
  for (let i = 0; i < 40; i++) {
    await t.throwsAsync(rawClient(t, port), { code: "ECONNREFUSED" });
  }
});

test("A port that is taken is told, not waited for", async (t) => {
  const taken = createPlainServer();
  const port = await listen(taken);
  t.teardown(() => taken.close());
  const router = createRouter({ id: "r1", ack: () => undefined });
  t.teardown(() => router.close(0));
  await t.throwsAsync(router.listen({ port, host: "127.0.0.1" }), { code: "EADDRINUSE" });
});
