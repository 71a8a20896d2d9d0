import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { goLive, pushOf, startApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

const root = join(import.meta.dirname, "..", "..");

test("a branch, an address, a registry and a credential are words, never commands", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  await api.store.createApp("shop", "ann");
  await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", "aaa")));
  await api.git.init("shop");
  const canary = join(api.logs, "canary");
  const hostile = [`;touch ${canary}`, `$(touch ${canary})`, `--upload-pack=touch ${canary}`];
  const post = async (path: string, body: object) =>
    (await call(api, "POST", path, { body })).status;
  for (const word of hostile) {
    for (const body of [{ ref: word }, { ref: `refs/heads/${word}` }, { image: word }]) {
      const status = await post("/apps/shop/deploys", body);
      t.true(status >= 400 && status < 500, `${JSON.stringify(body)} ${status}`);
    }
    const repo = `https://git.example.com/a/b${word}`;
    for (const body of [
      { provider: "github", repo: word },
      { provider: "github", repo },
      { provider: "github", branch: word },
    ]) {
      const status = await post("/apps/shop/hooks", body);
      t.true(status >= 400 && status < 500, `${JSON.stringify(body)} ${status}`);
    }
    const login = { host: word, username: "ann", password: "x" };
    t.is(await post("/registries", login), 400, word);
    // A credential may be any text: it is sealed, and no command line has it.
    const secret = { host: "registry.example.com", username: "ann", password: word };
    t.is(await post("/registries", secret), 201, word);
    t.is(await post("/apps/shop/domains", { host: word }), 400, word);
  }
  t.is((await api.store.listDeploys("shop", 50)).length, 1);
  t.false(existsSync(canary));
});

test("no file of the platform runs a child through a shell", (t) => {
  const files = globSync("{apps,workers,hooks,router,buildpacks}/**/*.ts", { cwd: root });
  t.true(files.length > 200);
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    if (!text.includes("child_process")) continue;
    const [, names = ""] = /import \{([^}]*)\} from "node:child_process"/.exec(text) ?? [];
    const imported = names.split(",").map((name) => name.replace("type ", "").trim());
    for (const name of imported.filter(Boolean))
      t.true(
        ["spawn", "execFile", "ChildProcess", "StdioOptions"].includes(name),
        `${file}: ${name}`,
      );
    t.notRegex(text, /shell:\s*(true|["'`])/, file);
    t.notRegex(text, /(spawn|execFile)\(\s*["'`](\/bin\/)?(ba|da|z)?sh["'`]/, file);
  }
});
