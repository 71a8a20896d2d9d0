import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { shellArguments } from "../../buildpacks/command.ts";
import { firstAnswer, startBuilder } from "../support/builder.ts";
import { packageJson } from "../support/tree.ts";

const builder = await startBuilder();
test.after.always(() => builder.close());

const FIELDS = {
  name: "hello-koa",
  type: "module",
  scripts: {
    build: "node -e \"require('fs').cpSync('server.js', 'built.js')\"",
    start: "node built.js",
  },
  dependencies: { koa: "3.3.0" },
  devDependencies: { "smol-toml": "1.9.1" },
};

for (const packageManager of ["pnpm@10", "yarn@1.22.22", "yarn@4", "bun@1"]) {
  test.serial(
    `${packageManager} installs, builds, and leaves the build's packages out`,
    async (t) => {
      t.timeout(300_000);
      const dir = await builder.copyOf("hello-koa");
      await rm(join(dir, "package-lock.json"));
      await writeFile(join(dir, "package.json"), packageJson({ ...FIELDS, packageManager }));
      const built = await builder.build(dir);
      const { url } = await builder.run(built, shellArguments(built.processes["web"] ?? ""));
      t.is((await firstAnswer(url)).status, 200);
      const { container } = await builder.run(
        built,
        shellArguments("ls node_modules /usr/local/bin"),
      );
      await container.wait();
      const there = (await container.logs({ stdout: true })).toString();
      t.regex(there, /\bkoa\b/);
      t.notRegex(there, /smol-toml|pnpm|yarn|bun/);
    },
  );
}
