import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
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

/** What can be built without a language's registry. */
for (const [app, body] of [
  ["python-plain", "python-plain"],
  ["go-plain", "go-plain"],
  ["go-vendored", "go-vendored"],
  ["ruby-plain", "ruby-plain"],
  ["ruby-bundled", "ruby-bundled"],
  ["php-plain", "php-plain /"],
  ["php-composer", "php-composer"],
  ["java-plain", "java-plain"],
  ["rust-plain", "rust-plain"],
  ["elixir-plain", "elixir-plain"],
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
    const again = await builder.build(await builder.copyOf(app));
    const steps = again.lines.filter((line) => /RUN |COPY /.test(line));
    t.true(
      steps.every((line) => line.endsWith(": cached")),
      steps.join("\n"),
    );
    t.is(again.image, built.image, "the same tree gives the same image");
  });
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
    const text = await (await fetch(`${url}${path}`)).text();
    t.false(text.includes("autoload"), path);
  }
});

test.serial(
  "a version that this machine cannot have is an error that says what it has",
  async (t) => {
    const error = await t.throwsAsync(builder.build(await builder.copyOf("python-flask")), {
      code: "build-failed",
    });
    t.regex(error.message, /Python 3\.12\.x \(\.python-version\) was expected; .* 3\.11\.2 alone/);
  },
);

test.serial(
  "a classic buildpack that fails ends the build with its last words and its status",
  async (t) => {
    const error = await t.throwsAsync(builder.build(await builder.copyOf("classic-failing")), {
      code: "build-failed",
    });
    t.regex(error.message, /exit code 3 .*there is none.*buildpacks\/failing ended with status 3/);
  },
);

test.serial("a classic buildpack finds in its cache what it left there", async (t) => {
  const dir = await builder.copyOf("classic-release");
  await builder.build(dir);
  await writeFile(join(dir, "changed.txt"), builder.namespace);
  const { lines } = await builder.build(dir);
  t.regex(lines.join("\n"), /compiled before: [1-9]/);
});

test.serial(
  "a classic buildpack that does not recognise the app, and an app without a start, are said",
  async (t) => {
    const other = await builder.copyOf("classic-release");
    await rm(join(other, "app.pl"));
    const refused = await t.throwsAsync(builder.build(other), { code: "build-failed" });
    t.regex(refused.message, /buildpacks\/perl does not recognise this app/);
    const silent = await builder.copyOf("classic-profile");
    await rm(join(silent, "Procfile"));
    const nothing = await t.throwsAsync(builder.build(silent), { code: "build-failed" });
    t.regex(nothing.message, /no 'web' line in a Procfile, and no buildpack named one/);
  },
);
