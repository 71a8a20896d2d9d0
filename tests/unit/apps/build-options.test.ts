import test from "ava";
import { changeBuild, showBuild } from "../../../apps/build-options.ts";

const set = (values: Record<string, string>) => changeBuild({}, { set: values, unset: [] });

test("options are set by name, shown as they were set, and taken away one by one", (t) => {
  const given = {
    root: "./apps/web/",
    dockerfile: "docker/web.Dockerfile",
    context: ".",
    target: "production",
    "arg.NODE_ENV": "production",
    "env.NPM_TOKEN": "on",
    buildpacks: "https://github.com/a/b#v1, packs/two",
    submodules: "on",
    timeout: "20m",
    memory: "1g",
    cpus: "1.5",
  };
  const options = set(given);
  t.deepEqual(options, {
    root: "apps/web",
    dockerfile: "docker/web.Dockerfile",
    context: ".",
    target: "production",
    args: { NODE_ENV: "production" },
    env: ["NPM_TOKEN"],
    buildpacks: ["https://github.com/a/b#v1", "packs/two"],
    submodules: true,
    timeoutMs: 1_200_000,
    memory: 1024 ** 3,
    cpus: 1.5,
  });
  const shown = Object.fromEntries(showBuild(options ?? {}));
  t.deepEqual(set(shown), options, "what is shown can be set again");
  const left = changeBuild(options ?? {}, { set: {}, unset: Object.keys(given).slice(1) });
  t.deepEqual(left, { root: "apps/web" });
  t.is(changeBuild(left ?? {}, { set: {}, unset: ["root"] }), null);
});

test("a change leaves the other options as they are", (t) => {
  const now = { root: "a", args: { A: "1", B: "2" }, env: ["X"] };
  t.deepEqual(changeBuild(now, { set: { "arg.A": "3", "env.Y": "on" }, unset: ["arg.B"] }), {
    root: "a",
    args: { A: "3" },
    env: ["X", "Y"],
  });
  t.deepEqual(now.env, ["X"], "what was given is not changed");
});

for (const [name, text, says] of [
  ["root", "/etc", /path within the repository, and '\/etc' came/],
  ["root", "../other", /path within the repository/],
  ["root", "a/../../b", /path within the repository/],
  ["root", "a/.git", /path within the repository/],
  ["root", "a\u0000b", /path within the repository/],
  ["root", "", /path within the repository/],
  ["dockerfile", "..\\x", /path within the repository/],
  ["target", "--x", /A name was expected in target/],
  ["arg.A B", "x", /A name was expected in arg\.A B/],
  ["arg.A", "a\nRUN x", /one line of text/],
  ["env.A", "perhaps", /on or off, and 'perhaps' came/],
  ["buildpacks", "ext::sh -c x", /https:\/\/ addresses/],
  ["buildpacks", "--upload-pack=x", /https:\/\/ addresses/],
  ["timeout", "1s", /from 10s to 6h/],
  ["memory", "10m", /64m or more, such as 512m or 2g, and '10m' came/],
  ["memory", "much", /64m or more/],
  ["cpus", "0", /cores from 0\.1 to 256, and '0' came/],
  ["cpus", "two", /cores from 0\.1 to 256/],
  ["timeout", "never", /from 10s to 6h/],
  ["colour", "blue", /A build option was expected \(root, dockerfile.*'colour' came/],
  ["__proto__", "x", /A build option was expected/],
] as const) {
  test(`refused, saying what came: ${name}=${JSON.stringify(text)}`, (t) => {
    const error = t.throws(
      () => changeBuild({}, { set: Object.fromEntries([[name, text]]), unset: [] }),
      {
        code: "bad-build-option",
      },
    );
    t.regex(error.message, says);
    t.regex(error.message, /teal build:set \w+/);
  });
}
