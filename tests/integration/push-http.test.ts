import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { eventually, startPushWorld, type PushWorld } from "../support/push-world.ts";

let world: PushWorld;
test.before(async () => {
  world = await startPushWorld();
});
test.after.always(() => world?.stop());

const isKept = async (app: string, commit: string) =>
  (await world.git.inspect(app, commit)) !== null;

test.serial(
  "a push by an admin makes the app, shows the deploy's lines and moves the branch",
  async (t) => {
    const work = await world.repository();
    const { status, output } = await work.git(["push", world.remote("shop"), "main"]);
    t.is(status, 0, output);
    t.regex(output, /remote: -----> Deploy shop-1: [0-9a-f]{12} First/);
    t.regex(output, /remote: {8}Ctrl-C .* teal logs --deploy shop-1 -a shop/);
    t.regex(output, /remote: -----> Building/);
    t.is((await world.store.getApp("shop"))?.createdBy, "ada");
    t.is(await world.git.readRef("shop", "refs/heads/main"), await work.head());
    const [deploy] = await world.store.listDeploys("shop", 1);
    t.like(deploy, { commit: await work.head(), ref: "refs/heads/main", by: "ada", why: "First" });
  },
);

test.serial(
  "a deploy that fails refuses the push with its reason, and keeps the commit",
  async (t) => {
    const work = await world.repository();
    world.play(() => ({
      lines: [{ kind: "error", text: "last line of the app" }],
      state: "failed",
      error: "The build failed: no start command.",
    }));
    const { status, output } = await work.git(["push", world.remote("fails"), "main"]);
    t.not(status, 0);
    t.regex(output, /remote: {2}! {5}last line of the app/);
    t.regex(output, /fails-1 failed: The build failed: no start command/);
    t.regex(output, /remote rejected.*pre-receive hook declined/);
    t.is(await world.git.readRef("fails", "refs/heads/main"), null);
    t.true(await isKept("fails", await work.head()));
  },
);

test.serial("each kind of useless push has its own sentence, and deploys nothing", async (t) => {
  world.play(() => ({ lines: [], state: "live" }));
  const work = await world.repository();
  for (let i = 0; i < 3; i++) await work.commit({ "a.txt": `${i}` });
  const shallow = join(world.dir, "shallow");
  await work.git(["clone", "--quiet", "--depth", "1", `file://${work.path}`, shallow]);
  const cut = await work.git(["-C", shallow, "push", world.remote("useless"), "main"]);
  t.not(cut.status, 0);
  t.regex(cut.output, /shallow clone; nothing was deployed/);
  t.regex(cut.output, /git fetch --unshallow/);

  const bare = await world.repository({});
  const none = await bare.git(["push", world.remote("useless"), "main"]);
  t.not(none.status, 0);
  t.regex(none.output, /A commit with files was expected/);

  await work.git(["tag", "--annotate", "--message", "x", "v1"]);
  const tag = await work.git(["push", world.remote("useless"), "v1:refs/heads/main"]);
  t.not(tag.status, 0);
  t.is(await world.store.getApp("useless"), null, "a refused push makes no app");
});

test.serial("other branches and tags are kept and say how to deploy them", async (t) => {
  const work = await world.repository();
  await work.git(["branch", "topic"]);
  await work.git(["tag", "v1"]);
  const before = world.deploys.length;
  const { status, output } = await work.git(["push", world.remote("kept"), "topic", "v1"]);
  t.is(status, 0, output);
  t.regex(output, /topic is kept and not deployed. To deploy it: git push deploy topic:main/);
  t.regex(output, /git push deploy v1\^\{\}:main/);
  t.is(world.deploys.length, before);
  t.is(await world.git.readRef("kept", "refs/heads/topic"), await work.head());
  const gone = await work.git(["push", world.remote("kept"), ":topic"]);
  t.is(gone.status, 0, gone.output);
  t.is(await world.git.readRef("kept", "refs/heads/topic"), null);
});

test.serial(
  "the deploy branch cannot be deleted, and main and master not be pushed together",
  async (t) => {
    const work = await world.repository();
    const first = await work.git(["push", world.remote("stays"), "main"]);
    t.is(first.status, 0, first.output);
    const deletion = await work.git(["push", world.remote("stays"), ":main"]);
    t.not(deletion.status, 0);
    t.regex(deletion.output, /main is the branch that is deployed and cannot be deleted/);
    t.is(await world.git.readRef("stays", "refs/heads/main"), await work.head());
    await work.commit({ b: "b" });
    await work.git(["branch", "master"]);
    const both = await work.git(["push", world.remote("stays"), "main", "master"]);
    t.not(both.status, 0);
    t.regex(both.output, /One deploy branch per push/);
  },
);

test.serial("a force push is a new deploy, and the old commit stays", async (t) => {
  const work = await world.repository();
  await work.git(["push", world.remote("forced"), "main"]);
  const old = await work.head();
  await work.git(["commit", "--quiet", "--amend", "--message", "Other"]);
  const wish = ["-o", "verbose", world.remote("forced"), "main"];
  const { status, output } = await work.git(["push", "--force", ...wish]);
  t.is(status, 0, output);
  t.notRegex(output, /not known here/);
  t.is(await world.git.readRef("forced", "refs/heads/main"), await work.head());
  t.true(await isKept("forced", old));
  const [second, first] = await world.store.listDeploys("forced", 2);
  t.deepEqual([first?.verbose, second?.verbose], [undefined, true], "as it was wished for");
});

test.serial("two pushes at once both go live, the branch ends at the later one", async (t) => {
  const work = await world.repository();
  t.is((await work.git(["push", world.remote("both"), "main"])).status, 0);
  const gate = Promise.withResolvers<void>();
  world.play((deploy) => ({
    lines: [],
    state: "live",
    until: deploy.seq === 2 ? gate.promise : Promise.resolve(),
  }));
  const first = await work.commit({ x: "1" }, "One");
  const pushOne = work.git(["push", world.remote("both"), `${first}:refs/heads/main`]);
  await eventually(async () => (await world.store.listDeploys("both", 1))[0]?.seq === 2);
  const second = await work.commit({ x: "2" }, "Two");
  const pushTwo = work.git(["push", world.remote("both"), `${second}:refs/heads/main`]);
  await eventually(async () => (await world.store.listDeploys("both", 1))[0]?.seq === 3);
  gate.resolve();
  const results = await Promise.all([pushOne, pushTwo]);
  for (const { status, output } of results) t.is(status, 0, output);
  t.is(await world.git.readRef("both", "refs/heads/main"), second);
});

test.serial(
  "a push that is superseded while it waits ends with a sentence and a status for CI",
  async (t) => {
    const work = await world.repository();
    const gate = Promise.withResolvers<void>();
    world.play((deploy) => ({
      lines: [],
      state: "live",
      until: deploy.seq === 1 ? gate.promise : Promise.resolve(),
    }));
    const pushes = [];
    for (let seq = 1; seq <= 3; seq++) {
      const commit = await work.commit({ x: `${seq}` });
      pushes.push(work.git(["push", world.remote("queue"), `${commit}:refs/heads/main`]));
      await eventually(async () => (await world.store.listDeploys("queue", 1))[0]?.seq === seq);
    }
    const superseded = await pushes[1]!;
    t.not(superseded.status, 0);
    t.regex(superseded.output, /queue-2 was superseded by queue-3: this commit is not live/);
    gate.resolve();
    t.is((await pushes[0]!).status, 0);
    t.is((await pushes[2]!).status, 0);
    t.is(await world.git.readRef("queue", "refs/heads/main"), await work.head());
  },
);

test.serial(
  "Ctrl-C leaves the deploy running, and the branch ends where it went live",
  async (t) => {
    const work = await world.repository();
    const gate = Promise.withResolvers<void>();
    world.play(() => ({
      lines: [{ kind: "step", text: "Building" }],
      state: "live",
      until: gate.promise,
    }));
    const child = work.spawn(["push", world.remote("detached"), "main"]);
    child.stderr.resume();
    const ended = new Promise((done) => child.once("close", done));
    await eventually(async () => (await world.store.getDeploy("detached-1"))?.state === "running");
    process.kill(-child.pid!, "SIGINT");
    await ended;
    t.is((await world.store.getDeploy("detached-1"))?.state, "running");
    gate.resolve();
    await eventually(async () => (await world.store.getDeploy("detached-1"))?.state === "live");
    await eventually(async () => (await world.git.readRef("detached", "refs/heads/main")) !== null);
    t.is(await world.git.readRef("detached", "refs/heads/main"), await work.head());
  },
);

test.serial("the branch also moves when git itself was killed during the deploy", async (t) => {
  const work = await world.repository();
  const gate = Promise.withResolvers<void>();
  world.play(() => ({ lines: [], state: "live", until: gate.promise }));
  let hook = 0;
  const spawnService = world.git.spawnService;
  world.git.spawnService = (...args) => {
    const child = spawnService(...args);
    if (!args[2]?.advertise) hook = child.pid!;
    return child;
  };
  const pushed = work.git(["push", world.remote("killed"), "main"]);
  await eventually(async () => (await world.store.getDeploy("killed-1"))?.state === "running");
  process.kill(hook, "SIGKILL");
  world.git.spawnService = spawnService;
  t.not((await pushed).status, 0);
  gate.resolve();
  await eventually(() => world.git.readRef("killed", "refs/heads/main"));
  t.is(await world.git.readRef("killed", "refs/heads/main"), await work.head());
  t.deepEqual(
    readdirSync(join(world.reposDir, "killed.git/objects")).filter((name) =>
      name.endsWith(".lock"),
    ),
    [],
  );
});

test.serial("many objects come as a pack and are kept as well", async (t) => {
  const files = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`d${i % 7}/f${i}`, `${i}\n`]),
  );
  const work = await world.repository(files);
  world.play(() => ({ lines: [], state: "failed", error: "no" }));
  t.not((await work.git(["push", world.remote("packed"), "main"])).status, 0);
  t.is(await world.git.completeness("packed", await work.head()), "whole");
  world.play(() => ({ lines: [], state: "live" }));
  const again = await work.git(["push", world.remote("packed"), "main"]);
  t.is(again.status, 0, again.output);
});

test.serial(
  "what was pushed can be cloned and fetched again, and pins are not shown",
  async (t) => {
    const work = await world.repository();
    t.is((await work.git(["push", world.remote("cloned"), "main"])).status, 0);
    for (const version of ["0", "2"]) {
      const target = join(world.dir, `clone-${version}`);
      const flags = ["-c", `protocol.version=${version}`];
      const clone = await work.git([...flags, "clone", "--quiet", world.remote("cloned"), target]);
      t.is(clone.status, 0, clone.output);
      const refs = await work.git([...flags, "ls-remote", world.remote("cloned")]);
      t.regex(refs.output, /refs\/heads\/main/);
      t.notRegex(refs.output, /refs\/teal/);
    }
  },
);

test.serial(
  "a deploy that is no longer followed because the platform stops is named in the answer",
  async (t) => {
    const other = await startPushWorld();
    try {
      const gate = Promise.withResolvers<void>();
      other.play(() => ({ lines: [], state: "live", until: gate.promise }));
      const work = await other.repository();
      const pushed = work.git(["push", other.remote("shop"), "main"]);
      await eventually(async () => (await other.store.getDeploy("shop-1"))?.state === "running");
      await other.receiver.close();
      const { status, output } = await pushed;
      t.not(status, 0);
      t.regex(output, /The platform went away/);
      gate.resolve();
      await eventually(async () => (await other.store.getDeploy("shop-1"))?.state === "live");
    } finally {
      await other.stop();
    }
  },
);
