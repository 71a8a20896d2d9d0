import { join } from "node:path";
import test from "ava";
import { FIXTURES, makeTree } from "../../support/tree.ts";
import { runCli } from "../../support/run-cli.ts";

/** Without a platform: a plan needs none. */
function plan(args: string[], env: NodeJS.ProcessEnv = {}) {
  return runCli(["build:plan", ...args], { env: { TEAL_URL: "http://127.0.0.1:1", ...env } });
}

test("a plan says what was found, what is run, and what starts the app", async (t) => {
  const { code, stdout } = await plan([join(FIXTURES, "python-flask")]);
  t.is(code, 0);
  t.regex(
    stdout,
    /^why\s+requirements\.txt\napp\s+Python\nruntime\s+Python 3\.12\.x \(\.python-version\)$/m,
  );
  t.regex(stdout, /run .*pip install -r requirements\.txt \(cache: pip\)/);
  t.regex(stdout, /^web\s+gunicorn app:app --bind 0\.0\.0\.0:\$PORT$/m);
});

test("a plan as JSON is the plan", async (t) => {
  const { stdout } = await plan([join(FIXTURES, "go-plain"), "--json"]);
  const found = JSON.parse(stdout);
  t.is(found.buildpack, "go");
  t.deepEqual(found.processes, { web: "bin/go-plain" });
});

test("the Dockerfile of a plan can be had", async (t) => {
  const { stdout } = await plan([join(FIXTURES, "static-spa"), "--dockerfile"]);
  t.regex(stdout, /^FROM teal\/base\/static\nWORKDIR \/app\n/);
});

test("warnings go to standard error", async (t) => {
  const files = {
    "manage.py": 'x("DJANGO_SETTINGS_MODULE", "a.settings")',
    "requirements.txt": "",
  };
  const { stderr } = await plan([await makeTree(t, files)]);
  t.regex(stderr, /^Warning: Django's own server is meant for development/);
});

test("a folder that cannot be planned is an error with both sentences, and status 1", async (t) => {
  const dir = await makeTree(t, { "main.c": "" });
  const { code, stderr } = await plan([dir]);
  t.is(code, 1);
  t.regex(stderr, /main\.c came\.\nCommit one of them\./);
  const json = await plan([dir, "--json"]);
  t.is(JSON.parse(json.stderr).error.code, "nothing-detected");
});

test("what is no folder, and a call over SSH, are wrong usage", async (t) => {
  t.is((await plan([join(FIXTURES, "nowhere")])).code, 2);
  t.is((await plan([FIXTURES], { TEAL_OVER_SSH: "1" })).code, 2);
});
