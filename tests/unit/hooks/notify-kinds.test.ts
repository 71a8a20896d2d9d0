import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import test from "ava";
import { keys } from "../../../apps/keys.ts";
import type { NewNotifier, NoticeEvent } from "../../../apps/notifiers.ts";
import { goLive, pushOf, startApi } from "../../support/api.ts";
import { eventually } from "../../support/push-world.ts";
import { startSmtp } from "../../support/smtp.ts";
import { startNotify } from "../../support/notify-rig.ts";

/** As the transitions note them, with what there is to say. */
const NOTED: [event: NoticeEvent, says: string][] = [
  ["guard-tripped", "did worse than before and is swapped back"],
  ["crash-loop", "is in a crash loop"],
  ["check-failing", "has an instance that fails its liveness check and is left alone"],
  ["certificate-ends", "has a certificate that ends soon"],
  ["certificate-failed", "did not get a certificate"],
  ["disk-low", "is on a machine whose disk is nearly full"],
];
const DETAIL = "the detail of it";

test("guard, crash loop, failing check, certificate and disk reach every kind of receiver, in its own form", async (t) => {
  const api = await startApi();
  const redis = api.redis.connect();
  const bodies = new Map<string, string[]>();
  const server = createServer((req, res) => {
    void text(req).then((body) => {
      const kind = req.url?.split("/")[1] ?? "";
      bodies.set(kind, [...(bodies.get(kind) ?? []), body]);
      res.writeHead(200).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const smtp = await startSmtp();
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await api.store.createApp("shop", "ann");
  const live = await api.store.requestDeploy(pushOf("shop", "a"));
  await goLive(api.store, "shop", live);
  const events = NOTED.map(([event]) => event);
  const mail = `smtp://127.0.0.1:${smtp.port}?from=teal@example.com&to=ann@example.com`;
  const wishes: NewNotifier[] = [
    ...(["webhook", "slack", "discord", "teams"] as const).map((kind) => ({
      kind,
      url: `${at}/${kind}`,
    })),
    { kind: "matrix", url: `${at}/matrix`, token: "tok" },
    { kind: "email", url: mail },
  ];
  for (const wish of wishes) await api.notifiers.add("shop", { ...wish, events }, "ann");
  const notify = startNotify(api, { times: { backoffMs: 50, exchangeMs: 2000, attempts: 2 } });
  t.teardown(async () => {
    await notify.close();
    smtp.stop();
    server.closeAllConnections();
    server.close();
    await api.stop();
  });
  for (const event of events) await redis.rpush(keys.notices, `${live.id} ${event} ${DETAIL}`);
  const due = NOTED.length * wishes.length;
  await eventually(async () => (await api.notifiers.sent("shop", 100)).length >= due);
  const sent = await api.notifiers.sent("shop", 100);
  t.deepEqual([sent.length, sent.filter(({ error }) => error !== undefined)], [due, []]);
  const mails = smtp.mails.map((one) =>
    Buffer.from(one.split("\n\n")[1] ?? "", "base64").toString(),
  );
  t.is(mails.length, NOTED.length);
  for (const [event, says] of NOTED) {
    const told = (texts: string[] = [], part: string) =>
      texts.filter((one) => one.includes(part) && one.includes(DETAIL)).length;
    t.is(told(bodies.get("webhook"), `"type":"${event}"`), 1, event);
    for (const kind of ["slack", "discord", "teams", "matrix"]) {
      t.is(told(bodies.get(kind), `shop ${says} (${live.id})`), 1, `${kind} ${event}`);
    }
    t.is(told(mails, `shop ${says} (${live.id})`), 1, `email ${event}`);
  }
});
