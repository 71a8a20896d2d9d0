import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import { startPushWorld } from "../support/push-world.ts";

const HOOKS = [
  "pre-receive",
  "update",
  "post-receive",
  "post-update",
  "reference-transaction",
  "post-checkout",
  "push-to-checkout",
  "proc-receive",
];

test.serial(
  "git obeys neither the machine's, nor a user's, nor a repository's own hooks and configuration",
  async (t) => {
    const world = await startPushWorld();
    const set = (name: string, value: string) => {
      process.env[name] = value;
    };
    const touched = [
      "HOME",
      "XDG_CONFIG_HOME",
      "GIT_CONFIG_GLOBAL",
      "GIT_CONFIG_SYSTEM",
      "GIT_DIR",
      "GIT_EXEC_PATH",
      "GIT_TRACE",
      "GIT_EXTERNAL_DIFF",
      "LD_PRELOAD",
    ];
    const before = touched.map((name) => [name, process.env[name]] as const);
    try {
      const canary = join(world.dir, "canary");
      const evil = join(world.dir, "evil");
      mkdirSync(evil);
      for (const hook of HOOKS) {
        writeFileSync(join(evil, hook), `#!/bin/sh\ntouch ${canary}\n`);
        chmodSync(join(evil, hook), 0o755);
      }
      const config = `[core]\n\thooksPath = ${evil}\n\tfsmonitor = touch ${canary}\n[alias]\n\tlog = !touch ${canary}\n`;
      writeFileSync(join(evil, ".gitconfig"), config);
      const work = await world.repository();
      t.is((await work.git(["push", world.remote("shop"), "main"])).status, 0);
      const repo = join(world.reposDir, "shop.git");
      mkdirSync(join(repo, "hooks"), { recursive: true });
      for (const hook of HOOKS) {
        writeFileSync(join(repo, "hooks", hook), `#!/bin/sh\ntouch ${canary}\n`);
        chmodSync(join(repo, "hooks", hook), 0o755);
      }
      set("HOME", evil);
      set("XDG_CONFIG_HOME", evil);
      set("GIT_CONFIG_GLOBAL", join(evil, ".gitconfig"));
      set("GIT_CONFIG_SYSTEM", join(evil, ".gitconfig"));
      set("GIT_DIR", evil);
      set("GIT_EXEC_PATH", evil);
      set("GIT_TRACE", canary);
      const commit = await work.commit({ a: "b" });
      const { status, output } = await work.git(["push", world.remote("shop"), "main"]);
      t.is(status, 0, output);
      await text(world.git.archive("shop", commit).stream);
      t.false(existsSync(canary));
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await world.stop();
    }
  },
);

test.serial(
  "a repository that belongs to another user is still served, since its place is named",
  async (t) => {
    if (process.getuid?.() !== 0) {
      t.pass("only root can give a directory away");
      return;
    }
    const world = await startPushWorld();
    try {
      const work = await world.repository();
      t.is((await work.git(["push", world.remote("shop"), "main"])).status, 0);
      chownSync(join(world.reposDir, "shop.git"), 65_534, 65_534);
      await work.commit({ a: "b" });
      const { status, output } = await work.git(["push", world.remote("shop"), "main"]);
      t.is(status, 0, output);
    } finally {
      await world.stop();
    }
  },
);
