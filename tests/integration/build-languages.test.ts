import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import type { Container } from "dockerode";
import { shellArguments } from "../../buildpacks/command.ts";
import { firstAnswer, startBuilder } from "../support/builder.ts";

const builder = await startBuilder();
test.after.always(() => builder.close());

/** Builds a fixture app and starts it. */
async function start(app: string) {
  const built = await builder.build(await builder.copyOf(app));
  const web = built.processes["web"] ?? "";
  return { built, ...(await builder.run(built, shellArguments(web))) };
}

/** Names those that are there. */
const COMPILERS =
  "for one in gcc g++ cc make go rustc cargo javac mvn composer; do command -v $one; done; true";

async function said(container: Container, command: string): Promise<string> {
  const exec = await container.exec({ Cmd: ["sh", "-c", command], AttachStdout: true, Tty: true });
  return (await text(await exec.start({ Tty: true }))).trim();
}

/** What can be built without a language's registry. */
for (const [app, body] of [
  ["python-plain", "python-plain"],
  ["python-wheels", "Hello from python-wheels"],
  ["go-plain", "go-plain"],
  ["go-vendored", "go-vendored"],
  ["go-replace", "go-replace"],
  ["ruby-plain", "ruby-plain"],
  ["ruby-bundled", "ruby-bundled"],
  ["php-plain", "php-plain /"],
  ["php-composer", "Hello from php-composer"],
  ["java-plain", "java-plain"],
  ["rust-plain", "rust-plain"],
  ["rust-workspace", "rust-workspace"],
  ["elixir-plain", "elixir-plain"],
  ["elixir-path", "elixir-path"],
  ["deno-plain", "deno-plain"],
  ["deno-hono", "deno-hono"],
  ["deno-task", "deno-task, built by deno task build"],
  ["static-public", "static-public"],
  ["classic-release", "classic-release it's me"],
  ["classic-profile", "classic-profile from .profile.d, built by user"],
  ["node-site-build", "node-site-build"],
] as const) {
  test.serial(`${app} is built, started and answers`, async (t) => {
    t.timeout(600_000);
    const { built, url, container } = await start(app);
    const answer = await firstAnswer(url);
    t.is(answer.status, 200);
    t.true((await answer.text()).includes(body));
    const { Config: config } = await container.inspect();
    t.is(config.User, "app");
    t.is(await said(container, COMPILERS), "", "no compiler and no build tool is in its image");
    const again = await builder.build(await builder.copyOf(app));
    const steps = again.lines.filter((line) => /RUN |COPY /.test(line));
    t.true(
      steps.every((line) => line.endsWith(": cached")),
      steps.join("\n"),
    );
    t.is(again.image, built.image, "the same tree gives the same image");
  });
}

for (const [app, file, change, says] of [
  [
    "ruby-bundled",
    "Gemfile",
    (before: string) => `${before}gem "rack"\n`,
    /bundle install.* ended with exit code 16 .*(frozen|lockfile|Gemfile)/i,
  ],
  [
    "go-vendored",
    "go.mod",
    (before: string) => before.replace("v1.0.0", "v1.1.0"),
    /go build.* ended with exit code 1 .*(inconsistent vendoring|vendor)/,
  ],
  [
    "rust-plain",
    "Cargo.toml",
    (before: string) => before.replace("0.1.0", "0.2.0"),
    /cargo build.* ended with exit code 101 .*lock file .*needs to be updated but --locked/,
  ],
] as const) {
  test.serial(
    `${app}: a lockfile that disagrees with ${file} is an error of its tool`,
    async (t) => {
      const dir = await builder.copyOf(app);
      const before = await readFile(join(dir, file), "utf8");
      await writeFile(join(dir, file), change(before));
      const error = await t.throwsAsync(builder.build(dir), { code: "build-failed" });
      t.regex(error.message, says);
    },
  );
}

test.serial("a site: its pages, headers and missing paths; hidden files stay hidden", async (t) => {
  const { url } = await start("static-plain");
  t.is((await firstAnswer(url)).headers.get("content-type"), "text/html; charset=utf-8");
  const get = (path: string): Promise<Response> => fetch(`${url}${path}`);
  t.regex(await (await get("/about")).text(), /<p>about<\/p>/, "a page without its ending");
  const missing = await get("/nowhere");
  t.is(missing.status, 404);
  t.regex(await missing.text(), /nothing here/);
  t.is((await get("/.hidden")).status, 404);
  t.is((await get("/.well-known/security.txt")).status, 200);
  const style = await get("/style.css");
  t.is(style.headers.get("content-type"), "text/css; charset=utf-8");
  const etag = style.headers.get("etag") ?? "";
  const unchanged = await fetch(`${url}/style.css`, { headers: { "if-none-match": etag } });
  t.is(unchanged.status, 304);
});

test.serial(
  "a single-page app: unknown paths are its own, and headers are those that it names",
  async (t) => {
    const { url } = await start("static-spa");
    const home = await firstAnswer(url);
    t.is(home.headers.get("x-frame-options"), "DENY");
    t.is(home.headers.get("cache-control"), null);
    const deep = await fetch(`${url}/orders/17`);
    t.is(deep.status, 200);
    t.regex(await deep.text(), /static-spa/);
    const asset = await fetch(`${url}/assets/app.js`);
    t.is(asset.headers.get("cache-control"), "public, max-age=31536000, immutable");
    t.is((await fetch(`${url}/_headers`)).status, 404);
  },
);

test.serial("PHP's own files and hidden ones are not given away", async (t) => {
  const { url } = await start("php-composer");
  await firstAnswer(url);
  for (const path of ["/../composer.json", "/composer.json", "/.htaccess"]) {
    const body = await (await fetch(`${url}${path}`)).text();
    t.false(body.includes("autoload"), path);
  }
});

test.serial(
  "a version that this machine cannot have is an error that says what it has",
  async (t) => {
    const error = await t.throwsAsync(builder.build(await builder.copyOf("python-flask")), {
      code: "build-failed",
    });
    t.regex(error.message, /Python 3\.12\.x \(\.python-version\) was expected; .* 3\.11\.2 alone/);
    const deno = await builder.copyOf("deno-plain");
    await writeFile(join(deno, ".dvmrc"), "2.999\n");
    await t.throwsAsync(builder.build(deno), {
      code: "build-failed",
      message:
        /Deno in the range '2\.999\.x' was expected \(\.dvmrc\), and there are .*2\.5.* Correct/,
    });
  },
);
