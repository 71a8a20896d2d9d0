import test, { type ExecutionContext } from "ava";
import type { IdleColour } from "../../../router/contract.ts";
import {
  eventually,
  OK_CLOSE,
  rawClient,
  routeTo,
  startRawApp,
  startRouter,
  type RouterRig,
} from "../../support/router-rig.ts";

const says = (word: string) => OK_CLOSE.replace(/2\r\n\r\nok$/, `${word.length}\r\n\r\n${word}`);

async function appSaying(t: ExecutionContext, word: string): Promise<number> {
  return (await startRawApp(t, (socket) => void socket.write(says(word)))).port;
}

const colour = (port: number, release: number): IdleColour => ({
  ...{ colour: "green", release },
  targets: [{ id: `shop-${port}`, host: "127.0.0.1", port }],
});

/** Status and body at a host. */
async function at(t: ExecutionContext, { port }: RouterRig, host: string): Promise<string> {
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const answer = await (await rawClient(t, port, request)).end();
  return `${answer.slice(9, 12)} ${answer.split("\r\n\r\n")[1]?.trim()}`;
}

const IDLE = "idle--shop.localhost";

async function world(t: ExecutionContext) {
  const rig = await startRouter(t);
  const [live, held, standby] = [
    await appSaying(t, "live"),
    await appSaying(t, "held"),
    await appSaying(t, "standby"),
  ] as const;
  rig.route([live], { release: 2, hosts: ["shop.localhost"] });
  const tell = (version: number, idle: { held?: IdleColour; standby?: IdleColour }) =>
    rig.router.apply({ type: "idle", idle: { app: "shop", version, ...idle } });
  return { rig, live, held, standby, tell };
}

test("The idle address reaches what is held, else the standby, else nothing", async (t) => {
  const { rig, held, standby, tell } = await world(t);
  t.is(await at(t, rig, IDLE), "404 Nothing runs in the idle colour of shop.");
  t.is(await at(t, rig, "idle--none.localhost"), "404 There is no app at idle--none.localhost.");
  tell(1, { standby: colour(standby, 1) });
  t.is(await at(t, rig, "IDLE--Shop.localhost.:80"), "200 standby");
  tell(2, { standby: colour(standby, 1), held: colour(held, 3) });
  t.is(await at(t, rig, IDLE), "200 held");
  t.is(await at(t, rig, "shop.localhost"), "200 live");
  for (const host of [
    "idle--shop.localhost.evil",
    "idle--shop",
    "idle-shop.localhost",
    "idle--shop.other",
  ])
    t.regex(await at(t, rig, host), /^404 There is no app/, host);
  tell(1, { standby: colour(standby, 1) });
  t.is(await at(t, rig, IDLE), "200 held", "what is older changes nothing");
  tell(3, {});
  t.is(await at(t, rig, IDLE), "404 Nothing runs in the idle colour of shop.");
});

test("Answers of the idle colour count apart, and so does its policy: it has none", async (t) => {
  const { rig, live, held, tell } = await world(t);
  tell(1, { held: colour(held, 3) });
  rig.route([live], { release: 2, hosts: ["shop.localhost"], policy: { maintenance: {} } });
  await at(t, rig, IDLE);
  t.is(await at(t, rig, IDLE), "200 held", "behind a closed shop the new version can be looked at");
  t.like(rig.router.stats().apps["shop"], { idleAnswers: 2, counters: { served: {} } });
});

test("What is promoted is idle no more from the very event on", async (t) => {
  const { rig, live, held, tell } = await world(t);
  tell(1, { held: colour(held, 3) });
  rig.router.apply({
    type: "route",
    route: routeTo([held], { version: 2, release: 3, hosts: ["shop.localhost"] }),
  });
  t.is(await at(t, rig, IDLE), "404 Nothing runs in the idle colour of shop.");
  t.is(await at(t, rig, "shop.localhost"), "200 held");
  tell(2, { standby: colour(live, 2) });
  t.is(await at(t, rig, IDLE), "200 live");
  rig.router.apply({ type: "gone", app: "shop", version: 9 });
  t.is(await at(t, rig, IDLE), `404 There is no app at ${IDLE}.`);
});

test("What is open on a colour that leaves may go on, and is told as busy", async (t) => {
  const { rig, tell } = await world(t);
  const slow = await startRawApp(
    t,
    (socket) => void setTimeout(() => socket.write(says("slow")), 400),
  );
  tell(1, { standby: colour(slow.port, 1) });
  const asked = at(t, rig, IDLE);
  await eventually(() => slow.received.length === 1);
  tell(2, {});
  t.deepEqual(rig.router.report().busy, { [`shop-${slow.port}`]: 1 });
  t.is(await asked, "200 slow");
  t.deepEqual(rig.router.report().busy, {});
});

test("A router that missed events takes over what the store has", async (t) => {
  const { rig, held, standby, tell } = await world(t);
  const { setIdles } = rig.router;
  tell(5, { held: colour(held, 3) });
  setIdles([], { seq: 4, anew: false });
  t.is(await at(t, rig, IDLE), "200 held", "it came during the reading");
  setIdles([{ app: "shop", version: 6, standby: colour(standby, 1) }], { seq: 6, anew: false });
  t.is(await at(t, rig, IDLE), "200 standby");
  setIdles([], { seq: 7, anew: false });
  t.regex(await at(t, rig, IDLE), /^404 /);
  tell(8, { held: colour(held, 3) });
  setIdles([{ app: "shop", version: 1, standby: colour(standby, 1) }], { seq: 1, anew: true });
  t.is(await at(t, rig, IDLE), "200 standby", "the store counts anew");
});
