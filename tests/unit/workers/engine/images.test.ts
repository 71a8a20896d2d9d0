import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Readable, type Duplex } from "node:stream";
import test, { type ExecutionContext } from "ava";
import Docker from "dockerode";
import { isTealError } from "../../../../apps/errors.ts";
import { createLog } from "../../../../apps/log.ts";
import { createDocker } from "../../../../workers/engine/client.ts";
import type { BuildRequest } from "../../../../workers/engine/image-build.ts";
import { createImages } from "../../../../workers/engine/images.ts";

const log = createLog("test");
const never = new AbortController().signal;

function imagesAt(socketPath: string) {
  return createImages(new Docker({ socketPath }), { namespace: "test", log, patienceMs: 0 });
}

/** An engine that does what no good engine does. */
async function fakeEngine(t: ExecutionContext, answer: RequestListener) {
  const dir = await mkdtemp(join(tmpdir(), "teal-engine-"));
  const server = createServer(answer).listen(join(dir, "sock"));
  const sessions = new Set<Duplex>();
  server.on("upgrade", (_asked, socket) => {
    sessions.add(socket);
    socket.on("error", () => {}).on("end", () => socket.end());
    socket.on("close", () => sessions.delete(socket));
    socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    socket.resume();
  });
  await once(server, "listening");
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await rm(dir, { recursive: true });
  });
  return { socket: join(dir, "sock"), sessions };
}

/** A build's second connection ends with it. */
async function allClosed(sessions: Set<Duplex>): Promise<boolean> {
  for (let tries = 0; tries < 100 && sessions.size > 0; tries++) await sleep(50);
  return sessions.size === 0;
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
  const { socket, sessions } = await fakeEngine(t, (asked, response) => {
    asked.resume();
    response.write('{"id":"moby.buildkit.trace","aux":""}\n', () => asked.socket.destroy());
  });
  const context = Readable.from(["x"]);
  await t.throwsAsync(imagesAt(socket).build(request(context)), { code: "no-engine" });
  t.true(context.destroyed);
  t.true(await allClosed(sessions));
});

test("an engine that dies with all its connections is an error, and kills nobody", async (t) => {
  const { socket, sessions } = await fakeEngine(t, (asked, response) => {
    asked.resume();
    response.write("{}\n", () => {
      for (const session of sessions) session.destroy(new Error("gone"));
      asked.socket.destroy();
    });
  });
  const built = imagesAt(socket).build(request(Readable.from(["x"])));
  await t.throwsAsync(built, { code: "no-engine" });
  t.true(await allClosed(sessions));
});

for (const status of [200, 404]) {
  test(`an engine that answers a session with ${status} is an error, and kills nobody`, async (t) => {
    const { socket } = await fakeEngine(t, () => {});
    const refusing = createServer((_asked, response) => response.writeHead(status).end("{}"));
    refusing.listen(`${socket}-2`);
    await once(refusing, "listening");
    t.teardown(() => refusing.close());
    await t.throwsAsync(imagesAt(`${socket}-2`).build(request(Readable.from(["x"]))));
  });
}

test("an engine that ends a build without an image has gone away", async (t) => {
  const { socket } = await fakeEngine(t, (asked, response) =>
    asked.resume().once("end", () => response.end("{}\n")),
  );
  const built = imagesAt(socket).build(request(Readable.from(["x"])));
  const error = await t.throwsAsync(built, { message: /without an image/ });
  t.true(isTealError(error, "no-engine"));
});

test("a source that breaks is what the error is about", async (t) => {
  const { socket } = await fakeEngine(t, (asked, response) => {
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
  const { socket } = await fakeEngine(t, (asked) => void asked.resume());
  const images = imagesAt(socket);
  const options = { firstMs: 50, signal: never, onLine: () => {} };
  await t.throwsAsync(images.pull("node:24", options), { message: /no answer within 50 ms/ });
  const signal = AbortSignal.abort(new Error("called off"));
  await t.throwsAsync(images.build({ ...request(Readable.from(["x"])), signal }), {
    message: "called off",
  });
});

test("images that are not here are null, and are removed", async (t) => {
  const images = createImages(createDocker(), { namespace: "test", log, patienceMs: 0 });
  t.is(await images.inspect("teal-test/never-built:1"), null);
  t.false(await images.exists(`sha256:${"0".repeat(64)}`));
  await images.remove("teal-test/never-built:1");
  await images.removeTags("teal-test/never-built");
  t.deepEqual(await images.tagsOf("teal-test/never-built"), []);
});
