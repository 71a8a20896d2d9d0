import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import test, { type ExecutionContext } from "ava";
import Docker from "dockerode";
import { createLog } from "../../../../apps/log.ts";
import { createDocker } from "../../../../workers/engine/client.ts";
import { createImages, type BuildRequest } from "../../../../workers/engine/images.ts";

const log = createLog("test");
const never = new AbortController().signal;

function imagesAt(socketPath: string) {
  return createImages(new Docker({ socketPath }), { namespace: "test", log });
}

/** An engine that does what no good engine does. */
async function fakeEngine(t: ExecutionContext, answer: RequestListener): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "teal-engine-"));
  const server = createServer(answer).listen(join(dir, "sock"));
  await once(server, "listening");
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await rm(dir, { recursive: true });
  });
  return join(dir, "sock");
}

function request(context: Readable): BuildRequest {
  const onLine = (): void => {};
  return { context, dockerfile: "Dockerfile", tag: "test/x:1", labels: {}, signal: never, onLine };
}

test("an engine that is not there is an error of its own", async (t) => {
  const images = imagesAt("/nowhere/docker.sock");
  await t.throwsAsync(images.inspect("x"), { code: "no-engine" });
  await t.throwsAsync(images.tagsOf("x"), { code: "no-engine" });
  await t.throwsAsync(images.remove("x"), { code: "no-engine" });
  await t.throwsAsync(images.build(request(Readable.from(["x"]))), { code: "no-engine" });
});

test("an engine that dies in the middle of a build is an error, not a wait", async (t) => {
  const socket = await fakeEngine(t, (asked, response) => {
    asked.resume();
    response.write('{"id":"moby.buildkit.trace","aux":""}\n', () => asked.socket.destroy());
  });
  const context = Readable.from(["x"]);
  await t.throwsAsync(imagesAt(socket).build(request(context)), { code: "no-engine" });
  t.true(context.destroyed);
});

test("an engine that ends a build without an image is an error", async (t) => {
  const socket = await fakeEngine(t, (asked, response) =>
    asked.resume().once("end", () => response.end("{}\n")),
  );
  const built = imagesAt(socket).build(request(Readable.from(["x"])));
  await t.throwsAsync(built, { name: "BuildError", message: /without an image/ });
});

test("a source that breaks is what the error is about", async (t) => {
  const socket = await fakeEngine(t, (asked, response) => {
    response.write("{}\n");
    asked.resume();
  });
  const broken = Readable.from(
    (async function* () {
      yield "x".repeat(100_000);
      throw new Error("the disk is gone");
    })(),
  );
  await t.throwsAsync(imagesAt(socket).build(request(broken)), { message: "the disk is gone" });
});

test("an engine that says nothing can be left", async (t) => {
  const socket = await fakeEngine(t, (asked) => void asked.resume());
  const images = imagesAt(socket);
  const options = { firstMs: 50, signal: never, onLine: () => {} };
  await t.throwsAsync(images.pull("node:24", options), { message: /no answer within 50 ms/ });
  const signal = AbortSignal.abort(new Error("called off"));
  await t.throwsAsync(images.build({ ...request(Readable.from(["x"])), signal }), {
    message: "called off",
  });
});

test("images that are not here are null, and are removed", async (t) => {
  const images = createImages(createDocker(), { namespace: "test", log });
  t.is(await images.inspect("teal-test/never-built:1"), null);
  t.false(await images.exists(`sha256:${"0".repeat(64)}`));
  await images.remove("teal-test/never-built:1");
  await images.removeTags("teal-test/never-built");
  t.deepEqual(await images.tagsOf("teal-test/never-built"), []);
});
