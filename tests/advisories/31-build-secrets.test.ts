import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { createConcealer } from "../../workers/conceal.ts";
import { startBuilder } from "../support/builder.ts";
import { packageJson } from "../support/tree.ts";

const CANARY = "c4n4ry-31-in-no-layer";
const builder = await startBuilder();
test.after.always(() => builder.close());

const concealer = createConcealer();
concealer.learn("app", [CANARY]);

/** Builds with the canary as a secret; what was said is as a deploy's log would have it. */
async function build(dir: string, mark: string) {
  const lines: string[] = [];
  const say = (_kind: string, text: string) => void lines.push(concealer.conceal("app", text));
  const job = { env: { TOKEN: CANARY }, envMark: mark, say };
  const built = await builder.build(dir, job).catch((error: Error) => error);
  return { built, said: lines.join("\n") };
}

/** All that the engine has of an image, and of its cache. */
async function traces(image: string): Promise<Record<string, string>> {
  const { docker } = builder;
  let layers = "";
  for await (const chunk of await docker.getImage(image).get())
    layers += (chunk as Buffer).toString("latin1");
  return {
    layers,
    history: JSON.stringify(await docker.getImage(image).history()),
    config: JSON.stringify(await docker.getImage(image).inspect()),
    cache: JSON.stringify(await docker.df()),
  };
}

test("a canary that builds read is in no layer, history, cache record or line: an app of a language", async (t) => {
  const dir = await builder.copyOf("hello-plain");
  const script =
    "node -e \"console.log('read', process.env.TOKEN); require('fs').writeFileSync('seen', String(process.env.TOKEN.length))\"";
  const scripts = { build: script, start: "node server.js" };
  await writeFile(join(dir, "package.json"), packageJson({ name: "hello-plain", scripts }));
  const { built, said } = await build(dir, "a".repeat(16));
  if (built instanceof Error) throw built;
  t.regex(said, /read \*{8}/);
  for (const [where, what] of Object.entries({ ...(await traces(built.image)), said }))
    t.false(what.includes(CANARY), where);
});

test("a canary that builds read is in no layer, history, cache record or line: a Dockerfile", async (t) => {
  const dir = await builder.copyOf("hello-dockerfile");
  const steps = `FROM teal/base/node:24
RUN --mount=type=secret,id=TOKEN test "$(cat /run/secrets/TOKEN)" = "${CANARY.slice(0, 6)}""${CANARY.slice(6)}" && cat /run/secrets/TOKEN && touch /good
RUN test -f /good && test ! -e /run/secrets/TOKEN
CMD ["node"]
`;
  await writeFile(join(dir, "Dockerfile"), steps);
  const { built, said } = await build(dir, "b".repeat(16));
  if (built instanceof Error) throw built;
  for (const [where, what] of Object.entries({ ...(await traces(built.image)), said }))
    t.false(what.includes(CANARY), where);
});

test("a build that fails says its last lines with the canary masked", async (t) => {
  const dir = await builder.copyOf("hello-dockerfile");
  const steps =
    "FROM teal/base/node:24\nRUN --mount=type=secret,id=TOKEN cat /run/secrets/TOKEN; exit 3\n";
  await writeFile(join(dir, "Dockerfile"), steps);
  const { built, said } = await build(dir, "c".repeat(16));
  t.true(built instanceof Error);
  const message = concealer.conceal("app", (built as Error).message);
  t.regex(message, /exit code 3 \(\*{8}\)/, "what is told is concealed as the log is");
  t.false((said + message).includes(CANARY));
});

test("a secret that the app has not let its build read is not there", async (t) => {
  const dir = await builder.copyOf("hello-dockerfile");
  const steps =
    "FROM teal/base/node:24\nRUN --mount=type=secret,id=OTHER,required=true cat /run/secrets/OTHER\n";
  await writeFile(join(dir, "Dockerfile"), steps);
  const { built } = await build(dir, "d".repeat(16));
  t.regex((built as Error).message, /OTHER/);
});
