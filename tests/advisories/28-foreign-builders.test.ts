import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { changeBuild } from "../../apps/build-options.ts";
import { isTealError } from "../../apps/errors.ts";
import { startBuilder } from "../support/builder.ts";

const builder = await startBuilder();
test.after.always(() => builder.close());

/** What the deploy's log says of a Dockerfile that is not built. */
async function refusal(dockerfile: string): Promise<string> {
  const dir = await builder.copyOf("hello-dockerfile");
  await writeFile(join(dir, "Dockerfile"), dockerfile);
  const built = await builder.build(dir).catch((error: unknown) => error);
  if (isTealError(built, "build-failed")) return built.says;
  throw new Error(`it was not refused: ${String(built)}`);
}

test("an image that would run as the builder is refused before the engine is asked", async (t) => {
  for (const head of [
    "# syntax=127.0.0.1:1/evil/frontend:1",
    "#  SyNtAx  = 127.0.0.1:1/evil/frontend",
    "#!/bin/sh\n# syntax=127.0.0.1:1/evil/frontend",
    "// syntax=127.0.0.1:1/evil/frontend",
    '{"syntax":"127.0.0.1:1/evil/frontend"}',
  ])
    t.regex(
      await refusal(`${head}\nFROM scratch\nLABEL a=b\n`),
      /Dockerfile line \d: .*evil/,
      head,
    );
});

test("nor does a build argument name one", (t) => {
  for (const name of ["BUILDKIT_SYNTAX", "buildkit_syntax", "BUILDKIT_SANDBOX_HOSTNAME"]) {
    const set = { [`arg.${name}`]: "127.0.0.1:1/evil/frontend" };
    const error = t.throws(() => changeBuild({}, { set, unset: [] }));
    t.true(isTealError(error, "bad-build-option"), name);
  }
});

test("a step gets neither the machine's rights nor its network", async (t) => {
  t.timeout(60_000);
  const refused = /Unknown flag: (security|network)|entitlement|not allowed/;
  for (const step of ["RUN --security=insecure true", "RUN --network=host true"])
    t.regex(await refusal(`FROM teal/base/node:24\n${step}\n`), refused, step);
});
