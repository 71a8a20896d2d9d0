import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { startApi, type TestApi } from "../../support/api.ts";
import { createWorkTree, runCommand } from "../../support/push-world.ts";
import { addHook } from "../../support/webhook.ts";

const DOCS = resolve(import.meta.dirname, "../../../docs/ci");
const dir = mkdtempSync(join(tmpdir(), "teal-examples-"));
let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(async () => {
  await api?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** The shell lines of an example: from the body to the end of the request. */
function scriptOf(file: string): string {
  const text = readFileSync(join(DOCS, file), "utf8");
  const [script] = /body=[\s\S]*?--data "\$body"/.exec(text) ?? [];
  if (!script) throw new Error(`${file} has no script`);
  // A Groovy string in three single quotes is read once by Jenkins before the shell sees it.
  return file === "Jenkinsfile" ? script.replaceAll("\\\\", "\\") : script;
}

test("every example, run as it stands, deploys the commit", async (t) => {
  const work = await createWorkTree(dir, { a: "a" });
  const commit = await work.head();
  const ci = {
    GITHUB_SHA: commit,
    GITHUB_RUN_ID: "1",
    GITHUB_RUN_ATTEMPT: "1",
    CI_COMMIT_SHA: commit,
    CI_JOB_ID: "1",
    GIT_COMMIT: commit,
    JOB_NAME: "shop",
    BUILD_NUMBER: "1",
  };
  const files = [
    "curl.md",
    "github-actions.yml",
    "gitea-actions.yml",
    "gitlab-ci.yml",
    "Jenkinsfile",
  ];
  for (const [i, file] of files.entries()) {
    const app = `app-${i}`;
    await api.store.createApp(app, "ann");
    const hook = await addHook(api, app, { provider: "standard" });
    const env = { ...work.env, ...ci, TEAL_HOOK: api.url + hook.path, TEAL_SECRET: hook.secret };
    const { status, output } = await runCommand("sh", ["-eu"], {
      cwd: dir,
      env,
      input: scriptOf(file),
    });
    t.is(status, 0, `${file}: ${output}`);
    t.like(await api.store.getDeploy(`${app}-1`), { commit }, file);
  }
});
