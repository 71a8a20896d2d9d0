import { createHash } from "node:crypto";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { extract } from "tar-stream";
import { shellArguments } from "../../buildpacks/command.ts";
import { firstAnswer, startBuilder } from "../support/builder.ts";
import { packageJson } from "../support/tree.ts";

const builder = await startBuilder();
test.after.always(() => builder.close());

const isNpm = (line: string): boolean => /RUN npm ci.*: /.test(line);

test.serial(
  "an app is built and answers; after a one-line change only its code is built anew",
  async (t) => {
    const dir = await builder.copyOf("hello-plain");
    const before = await readdir(dir);
    const first = await builder.build(dir);
    t.deepEqual(first.processes, { web: "node server.js" });
    t.is(first.port, 5000);
    t.regex(first.image, /^sha256:[0-9a-f]{64}$/);
    t.true(first.imageBytes > 50e6);
    t.regex(
      first.lines[0] ?? "",
      /^info: Node app: package\.json with package-lock\.json; Node 24\.\d+\.\d+ \(engines\.node\)/,
    );
    t.deepEqual(await readdir(dir), before, "nothing is written to the tree");

    await writeFile(join(dir, "version.txt"), "two\n");
    const second = await builder.build(dir);
    t.not(second.image, first.image);
    t.regex(second.lines.find(isNpm) ?? "", /: cached$/);
    t.regex(second.lines.find((line) => line.includes("COPY --chown")) ?? "", /: \d+\.\d s$/);

    const { container, url } = await builder.run(second, shellArguments("node server.js"));
    t.is(await (await firstAnswer(url)).text(), "two");
    const { Config: config } = await container.inspect();
    t.is(config.User, "app");
    t.deepEqual(config.Entrypoint, ["tini", "--"]);
    t.is(config.Labels["org.opencontainers.image.revision"], "0".repeat(40));
  },
);

test.serial("the same commit checked out twice is built once", async (t) => {
  const first = await builder.build(await builder.copyOf("with-worker"));
  const second = await builder.build(await builder.copyOf("with-worker"));
  t.deepEqual(Object.keys(first.processes), ["web", "worker", "release"]);
  const steps = second.lines.filter((line) => /RUN |COPY /.test(line));
  t.true(steps.length >= 3);
  t.true(
    steps.every((line) => line.endsWith(": cached")),
    steps.join("\n"),
  );
});

test.serial(
  "an app runs as a user that owns its folder and nothing else, with SIGTERM reaching it",
  async (t) => {
    const dir = await builder.copyOf("hello-plain");
    const built = await builder.build(dir);
    const id = await builder.run(
      built,
      shellArguments("id -u; touch own && echo may; touch /etc/x || echo may not"),
    );
    await id.container.wait();
    const output = (await id.container.logs({ stdout: true })).toString();
    t.regex(output, /10001[\s\S]*may[\s\S]*may not/);

    const web = await builder.run(built, shellArguments(built.processes["web"] ?? ""));
    await firstAnswer(web.url);
    await web.container.stop({ t: 60 });
    t.is((await web.container.inspect()).State.ExitCode, 0, "the app's own handler ended it");
  },
);

test.serial(
  "a site that is built twice without cache has the same files, with the same times",
  async (t) => {
    const site = await builder.copyOf("static-plain");
    const first = await builtAnew(site);
    t.true(Object.keys(first).length >= 5, JSON.stringify(first));
    await sleep(1100); // Archives know seconds.
    t.deepEqual(await builtAnew(site), first);
  },
);

for (const [tool, app, least] of [
  ["npm", "hello-koa", 100],
  ["pip", "python-wheels", 100],
] as const) {
  test.serial(`what ${tool} installs anew is the same, but for its times`, async (t) => {
    t.timeout(300_000);
    const withoutTimes = (files: Record<string, string>) =>
      Object.entries(files).map(([name, text]) =>
        [name, ...text.split(" ").toSpliced(2, 1)].join(" "),
      );
    const dir = await builder.copyOf(app);
    const first = withoutTimes(await builtAnew(dir));
    t.true(first.length > least, `${first.length} files`);
    const second = new Set(withoutTimes(await builtAnew(dir)));
    t.deepEqual(
      first.filter((one) => !second.has(one)),
      [],
    );
  });
}

/** The app's files of an image that is built without the cache. */
async function builtAnew(dir: string) {
  const { image } = await builder.build(dir, { fresh: true });
  const container = await builder.docker.createContainer({ Image: image });
  const files = await filesIn(await container.export(), "app/");
  await container.remove();
  return files;
}

/** Mode, owner, time and content of each file below `folder`; folders have the time of the build. */
async function filesIn(archive: NodeJS.ReadableStream, folder: string) {
  const files: Record<string, string> = {};
  for await (const entry of archive.pipe(extract())) {
    const { name, type, mode, uid, mtime } = entry.header;
    const hash = createHash("sha256");
    for await (const chunk of entry) hash.update(chunk as Buffer);
    if (type === "file" && name.startsWith(folder))
      files[name] = [mode, uid, mtime?.getTime(), hash.digest("hex")].join(" ");
  }
  return files;
}

test.serial("a verbose build says all that the builder says, in the builder's form", async (t) => {
  const dir = await builder.copyOf("hello-plain");
  const scripts = { build: "echo built-loudly", start: "node server.js" };
  await writeFile(join(dir, "package.json"), packageJson({ name: "hello-plain", scripts }));
  const { lines } = await builder.build(dir, { verbose: true, fresh: true });
  const output = lines.filter((line) => line.startsWith("output: ")).map((line) => line.slice(8));
  t.true(
    output.every((line) => /^#\d+ /.test(line)),
    output.join("\n"),
  );
  const text = output.join("\n");
  t.regex(text, /^#\d+ \[internal\] /m, "the builder's own steps");
  t.regex(text, /^#\d+ \[.*\] RUN --mount=type=cache,id=\S+ .*npm/m, "whole commands");
  t.regex(text, /^#\d+ \d+\.\d{3} built-loudly$/m, "output with its time");
  t.regex(text, /^#\d+ DONE \d+\.\ds$/m);
  const again = await builder.build(dir, { verbose: true });
  t.regex(again.lines.join("\n"), /^output: #\d+ CACHED$/m);
});

test.serial("a Dockerfile on our base is built as it is, and says its port", async (t) => {
  const built = await builder.build(await builder.copyOf("hello-dockerfile"));
  t.is(built.port, 8080);
  t.deepEqual(built.processes, { web: "" });
  const { url } = await builder.run(built, null);
  t.is(await (await firstAnswer(url)).text(), "one\n".trim());
});

test.serial("a Dockerfile that asks for SOURCE_DATE_EPOCH gets the commit's time", async (t) => {
  const dir = await builder.copyOf("hello-dockerfile");
  const text = await readFile(join(dir, "Dockerfile"), "utf8");
  await writeFile(
    join(dir, "Dockerfile"),
    `${text}ARG SOURCE_DATE_EPOCH\nRUN echo "built at $SOURCE_DATE_EPOCH"\n`,
  );
  for (const name of await readdir(dir)) await utimes(join(dir, name), 1e9, 1e9);
  t.regex((await builder.build(dir, { fresh: true })).lines.join("\n"), /built at 1000000000$/m);
});

test.serial(
  "an app with dependencies and a build runs what was built, without the build's dependencies",
  async (t) => {
    const dir = await builder.copyOf("hello-koa");
    const koa = { koa: "3.3.0" };
    const scripts = {
      build: "node -e \"require('fs').cpSync('server.js', 'built.js')\"",
      start: "node built.js",
    };
    await writeFile(
      join(dir, "package.json"),
      packageJson({
        name: "hello-koa",
        type: "module",
        engines: { node: "24.x" },
        scripts,
        dependencies: koa,
      }),
    );
    const built = await builder.build(dir);
    const { url } = await builder.run(built, shellArguments(built.processes["web"] ?? ""), [
      "TEAL_RELEASE=7",
    ]);
    t.deepEqual(await (await firstAnswer(url)).json(), { version: "one", release: "7" });
  },
);

test.serial(
  "a build script that fails fails the build, with its step, status and last lines",
  async (t) => {
    const error = await t.throwsAsync(builder.build(await builder.copyOf("failing-build")), {
      code: "build-failed",
    });
    t.regex(
      error.message,
      /RUN .*npm run build .*ended with exit code 1 .*Cannot find name 'oops'/,
    );
  },
);

test.serial(
  "a tree that cannot be planned fails the build with both of its sentences",
  async (t) => {
    const error = await t.throwsAsync(builder.build(await builder.copyOf("no-start-command")), {
      code: "build-failed",
    });
    t.regex(error.message, /A way to start the app was expected.*Add a Procfile/);
  },
);

test.serial(
  "a version of Node that does not exist fails the build, naming those that do",
  async (t) => {
    const dir = await builder.copyOf("hello-plain");
    await writeFile(join(dir, "package.json"), packageJson({ engines: { node: "99.x" } }));
    const error = await t.throwsAsync(builder.build(dir), { code: "build-failed" });
    t.regex(error.message, /'99\.x' was expected \(engines\.node\).*24\.\d+\.\d+/);
  },
);

test.serial("what .dockerignore names and node_modules stay out of the image", async (t) => {
  const dir = await builder.copyOf("hello-plain");
  await writeFile(join(dir, ".dockerignore"), "*.secret\n");
  await writeFile(join(dir, "my.secret"), "s");
  const built = await builder.build(dir);
  const { container } = await builder.run(built, shellArguments("ls -A"));
  await container.wait();
  const output = (await container.logs({ stdout: true })).toString();
  t.regex(output, /server\.js/);
  t.notRegex(output, /my\.secret|Dockerfile/);
});

test.serial("a cancelled build ends in the engine too", async (t) => {
  const dir = await builder.copyOf("hello-plain");
  const mark = `teal-cancel-${builder.namespace}`;
  const script = `console.log('begun'); setTimeout(() => {}, 600_000)`;
  const scripts = { build: `node -e "${script}" ${mark}`, start: "node server.js" };
  await writeFile(join(dir, "package.json"), packageJson({ name: "hello-plain", scripts }));
  const stop = new AbortController();
  const begun = Promise.withResolvers<void>();
  const say = (_kind: string, text: string): void => {
    if (text.trim() === "begun") begun.resolve();
  };
  const ended = t.throwsAsync(builder.build(dir, { signal: stop.signal, say }), {
    message: "called off",
  });
  await Promise.race([begun.promise, ended]);
  t.true(await isRunning(mark));
  stop.abort(new Error("called off"));
  await ended;
  for (let tries = 0; tries < 200 && (await isRunning(mark)); tries++) await sleep(100);
  t.false(await isRunning(mark), "the build's own process is gone");
});

/** Steps of a build are processes of this machine. */
async function isRunning(mark: string): Promise<boolean> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.some((line) => line.includes(mark));
}
