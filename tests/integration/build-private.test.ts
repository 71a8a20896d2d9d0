import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { RegistryLogin } from "../../apps/registries.ts";
import { startBuilder } from "../support/builder.ts";
import { startRegistry } from "../support/registry.ts";

const PASSWORD = "p4ss-of-a-private-base";
const logins = new Map<string, RegistryLogin & { password: string }>();
const builder = await startBuilder({
  registries: { open: async (host) => logins.get(host) ?? null },
});
const { docker, images, namespace } = builder;
const madeHere: string[] = [];
test.after.always(async () => {
  await builder.close();
  for (const tag of madeHere) await images.remove(tag);
});

function logIn(host: string, password = PASSWORD): void {
  logins.set(host, { host, username: "ann", password, realm: null, by: "ann", createdAt: 0 });
}

async function treeOf(dockerfile: string): Promise<string> {
  const dir = await builder.copyOf("hello-dockerfile");
  await writeFile(join(dir, "Dockerfile"), dockerfile);
  return dir;
}

/** A small image that nobody else has. */
async function makeImage(content: string): Promise<string> {
  const dir = await treeOf('FROM scratch\nCOPY version.txt /base.txt\nCMD ["none"]\n');
  await writeFile(join(dir, "version.txt"), `${content} ${namespace}\n`);
  return (await builder.build(dir)).image;
}

async function layersOf(image: string): Promise<string[]> {
  return (await docker.getImage(image).inspect()).RootFS.Layers ?? [];
}

/** A registry that wants a password, and the name of the image in it, which is not on this machine. */
async function serve(image: string) {
  const registry = await startRegistry(docker, image, "1", { pair: `ann:${PASSWORD}` });
  const name = `${registry.host}/team/base:1`;
  madeHere.push(name);
  return { registry, name };
}

test.serial("a private image of a Dockerfile is pulled with the login for its host", async (t) => {
  const image = await makeImage("one");
  const { registry, name } = await serve(image);
  t.teardown(registry.close);
  const text = `ARG BASE=nothing.example/at-all:1\nFROM \${BASE}\nCOPY version.txt /\nCMD ["x"]\n`;
  const job = { options: { args: { BASE: name } } };

  await t.throwsAsync(builder.build(await treeOf(text), job), { code: "build-failed" });
  t.false(await images.exists(name), "nobody has logged in there");
  t.deepEqual(registry.asked, []);

  logIn(registry.host);
  const built = await builder.build(await treeOf(text), job);
  t.deepEqual((await layersOf(built.image)).slice(0, 1), await layersOf(image));
  t.regex(
    built.lines.join("\n"),
    new RegExp(`Pulling ${name} with the login for ${registry.host}`),
  );
  const basic = registry.authorizations.filter(([, value]) => value.startsWith("Basic"));
  t.true(basic.length > 0 && basic.every(([path]) => path.startsWith("/token")));

  let layers = "";
  for await (const chunk of await docker.getImage(built.image).get())
    layers += (chunk as Buffer).toString("latin1");
  const inspected = await docker.getImage(built.image).inspect();
  const history = await docker.getImage(built.image).history();
  const pair = Buffer.from(`ann:${PASSWORD}`).toString("base64");
  const traces = { layers, config: JSON.stringify(inspected), history: JSON.stringify(history) };
  for (const [where, what] of Object.entries({ ...traces, lines: built.lines.join("\n") }))
    t.false(what.includes(PASSWORD) || what.includes(pair), where);
});

test.serial(
  "COPY --from takes a private image too, and a tag that has moved is followed",
  async (t) => {
    const { registry, name } = await serve(await makeImage("two"));
    t.teardown(registry.close);
    logIn(registry.host);
    const text = `FROM scratch\nCOPY --from=${name} /base.txt /\nCMD ["x"]\n`;
    const first = await builder.build(await treeOf(text));
    const old = await images.inspect(name);
    await registry.move(await makeImage("three"));
    const second = await builder.build(await treeOf(text));
    t.notDeepEqual(await layersOf(second.image), await layersOf(first.image));
    t.not((await images.inspect(name))?.id, old?.id);
  },
);

test.serial("a login that the registry does not take fails the build and names both", async (t) => {
  const { registry, name } = await serve(await makeImage("four"));
  t.teardown(registry.close);
  logIn(registry.host, "wrong-w0rd");
  const error = await t.throwsAsync(builder.build(await treeOf(`FROM ${name}\n`)), {
    code: "build-failed",
  });
  t.regex(error.message, /team\/base:1 could not be pulled with the login for 127.*status 401/);
  t.notRegex(error.message, /w0rd/);
});
