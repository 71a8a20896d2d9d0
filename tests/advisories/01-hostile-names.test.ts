import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { startApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";
import { requestGit, startPushWorld } from "../support/push-world.ts";
import { createSshUser } from "../support/ssh-client.ts";

/** Names that a shell, if one read them, would make a file of. */
function namesFor(canary: string): string[] {
  return [
    `;touch ${canary}`,
    `shop;touch ${canary}`,
    `$(touch ${canary})`,
    `\`touch ${canary}\``,
    `shop|touch ${canary}`,
    `shop&&touch ${canary}`,
    `shop\ntouch ${canary}`,
    `'; touch ${canary}; '`,
    `"; touch ${canary}; "`,
    `shop$IFS`,
    ...[
      "-x",
      "--help",
      "Shop",
      "1shop",
      "sh_op",
      "shop.git",
      "idle--shop",
      "",
      "a".repeat(32),
      "..",
      "shоp",
    ],
  ];
}

test("over the API a hostile name makes neither an app nor a file", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const canary = join(api.logs, "canary");
  for (const name of namesFor(canary)) {
    const made = await call(api, "POST", "/apps", { body: { name } });
    t.is(made.status, 400, `${JSON.stringify(name)} ${made.text}`);
    if (name === "" || name === "..") continue;
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/config"],
      ["POST", "/rollback"],
    ] as const) {
      const { status } = await call(api, method, `/apps/${encodeURIComponent(name)}${path}`);
      t.is(status, 404, `${method} ${JSON.stringify(name)}${path}`);
    }
  }
  t.deepEqual(await api.store.listApps(), []);
  t.false(existsSync(canary));
});

test("nor does it over SSH and over git's HTTP", async (t) => {
  const world = await startPushWorld();
  t.teardown(() => world.stop());
  const canary = join(world.dir, "canary");
  const admin = await createSshUser(world, "admin", "admin");
  for (const name of namesFor(canary)) {
    const path = `/git/${encodeURIComponent(name)}.git/info/refs?service=git-receive-pack`;
    t.is((await requestGit(world, "GET", path)).status, 404, path);
  }
  for (const name of namesFor(canary).slice(0, 5)) {
    for (const command of [`git-receive-pack '${name}'`, name]) {
      const { status } = await admin.ssh([command]);
      t.not(status, 0, command);
    }
  }
  t.false(existsSync(canary));
  t.false(readdirSync(world.dir).includes("canary"));
  t.deepEqual(await world.store.listApps(), []);
});
