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
