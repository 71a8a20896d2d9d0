import test from "ava";
import { shellArguments } from "../../buildpacks/command.ts";
import { firstAnswer, startBuilder } from "../support/builder.ts";

const builder = await startBuilder();
test.after.always(() => builder.close());

/** Builds a fixture app and starts it. */
async function start(app: string) {
  const built = await builder.build(await builder.copyOf(app));
  return builder.run(built, shellArguments(built.processes["web"] ?? ""));
}

/** Servers: what they answer, and the status that SIGTERM ends them with, theirs or the shell's for it. */
for (const [app, body, ends] of [
  ["node-yarn", /^node-yarn$/, [143]],
  ["node-bun", /^node-bun$/, [143]],
  ["node-native", /^node-native$/, [143]],
  ["node-npm-workspace", /^node-npm-workspace$/, [143]],
  ["node-pnpm-workspace", /^node-pnpm-workspace$/, [143]],
  ["node-astro-server", /<p>node-astro-server at \/<\/p>/, [143]],
  ["node-remix", /<p>node-remix on .*v24\./, [143]],
  ["node-nuxt", /<p>node-nuxt<\/p>/, [0]],
  ["node-next", /<p>node-next, rendered by process .*\d+<\/p>/, [0, 143]],
] as const) {
  test.serial(`${app} is built, started, answers, and ends by SIGTERM`, async (t) => {
    t.timeout(600_000);
    const { url, container } = await start(app);
    const answer = await firstAnswer(url);
    t.is(answer.status, 200);
    t.regex(await answer.text(), body);
    await container.stop({ t: 60 });
    const { State: state, Config: config } = await container.inspect();
    t.true((ends as readonly number[]).includes(state.ExitCode), String(state.ExitCode));
    t.is(config.User, "app");
  });
}

/** Sites: a page, and what an unknown path gets. */
for (const [app, path, body, missing] of [
  ["node-vite-spa", "/", /<div id="app"><\/div>/, 200],
  ["node-astro", "/about", /<p>about<\/p>/, 404],
  ["node-next-export", "/", /<p>node-next-export<\/p>/, 404],
] as const) {
  test.serial(`${app} is built and served as a site, without Node`, async (t) => {
    t.timeout(600_000);
    const { url, container } = await start(app);
    await firstAnswer(url);
    t.regex(await (await fetch(url + path)).text(), body);
    t.is((await fetch(`${url}/no/such/page`)).status, missing);
    const top = await container.top();
    t.regex(JSON.stringify(top.Processes), /nginx/);
    t.notRegex(JSON.stringify(top.Processes), /node /);
  });
}
