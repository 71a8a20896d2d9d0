import { once } from "node:events";
import { statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import { runCommand, startPushWorld, type PushWorld } from "../../support/push-world.ts";

let world: PushWorld;
test.before(async () => {
  world = await startPushWorld();
  await world.git.init("shop");
});
test.after.always(() => world?.stop());

const ADA = { name: "ada", role: "admin", apps: "*" } as const;
const HOOK = join(import.meta.dirname, "../../../hooks/pre-receive");

/** What the platform answers to these bytes on the hook's socket. */
async function say(bytes: string): Promise<string> {
  const socket = connect(world.socketPath);
  await once(socket, "connect");
  socket.write(bytes);
  return text(socket);
}

test("only the platform's own user may speak to the socket", (t) => {
  t.is(statSync(world.socketPath).mode & 0o777, 0o600);
});

test("a push that was not registered, or has been answered, is not known", async (t) => {
  const { env, end } = world.receiver.register("shop", ADA);
  const message = (push: string) => `${JSON.stringify({ push, lines: "", options: [] })}\n`;
  t.regex(await say(message("made-up")), /does not know this push.*\n.*"exit":1/s);
  t.is(await say(message(env["TEAL_PUSH"]!)), '{"exit":0}\n');
  t.regex(await say(message(env["TEAL_PUSH"]!)), /does not know this push/);
  const other = world.receiver.register("shop", ADA);
  other.end();
  t.regex(await say(message(other.env["TEAL_PUSH"]!)), /does not know this push/);
  end();
});

test("junk on the socket is answered like an unknown push", async (t) => {
  for (const bytes of ["x\n", "{}\n", "[]\n", "null\n", '{"push":1}\n']) {
    t.regex(await say(bytes), /does not know this push/, bytes);
  }
});

test("a quarantine outside the app's own repository is refused", async (t) => {
  const line = `${"0".repeat(40)} ${"a".repeat(40)} refs/heads/main\n`;
  for (const quarantine of [
    "/tmp",
    `${world.reposDir}/other.git/objects/tmp_objdir-incoming-x`,
    "../x",
  ]) {
    const { env, end } = world.receiver.register("shop", ADA);
    const message = { push: env["TEAL_PUSH"], lines: line, quarantine, options: [] };
    t.regex(await say(`${JSON.stringify(message)}\n`), /"exit":1/);
    end();
  }
  t.deepEqual(world.deploys, []);
});

test("no more pushes are taken than the limit", (t) => {
  const taken: { end(): void }[] = [];
  const error = t.throws(() => {
    for (let i = 0; i < 100; i++) taken.push(world.receiver.register("shop", ADA));
  });
  t.regex(error.message, /64 pushes are under way/);
  for (const push of taken) push.end();
  t.notThrows(() => world.receiver.register("shop", ADA).end());
});

test("the hook refuses a push that came past the platform, and one whose platform is away", async (t) => {
  const past = await runCommand(HOOK, [], { cwd: world.dir });
  t.is(past.status, 1);
  t.regex(past.output, /takes pushes only through the platform/);
  const env = { TEAL_PUSH: "x", TEAL_HOOK_SOCKET: join(world.dir, "nobody.sock") };
  const away = await runCommand(HOOK, [], { cwd: world.dir, env });
  t.is(away.status, 1);
  t.regex(away.output, /The platform does not answer \(ENOENT\)/);
  const work = await world.repository();
  const direct = await work.git(["push", join(world.reposDir, "shop.git"), "main"]);
  t.not(direct.status, 0);
  t.regex(direct.output, /takes pushes only through the platform/);
});
