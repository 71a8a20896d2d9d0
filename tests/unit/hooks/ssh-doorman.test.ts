import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import test, { type ExecutionContext } from "ava";
import { createDoorman } from "../../../hooks/ssh-doorman.ts";

const LIMITS = { graceMs: 60_000, maxUnproven: 4, maxUnprovenPerAddress: 3, maxProven: 2 };

/** A server that admits all and a way to connect that gives the server's side of the connection. */
async function open(t: ExecutionContext, limits = LIMITS) {
  const doorman = createDoorman(limits);
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    doorman.closeAll();
    server.close();
  });
  return {
    doorman,
    async arrive(): Promise<Socket> {
      const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
      client.on("error", () => {}).resume();
      const [socket] = (await once(server, "connection")) as [Socket];
      socket.on("error", () => {}).resume();
      doorman.admit(socket);
      return socket;
    },
  };
}

test("who does not prove who it is within the grace time is dismissed", async (t) => {
  const { doorman, arrive } = await open(t, { ...LIMITS, graceMs: 50 });
  const proven = await arrive();
  const silent = await arrive();
  t.true(doorman.prove(proven));
  await once(silent, "close");
  t.false(proven.destroyed);
});

test("when too many wait the oldest goes, and the newest stays", async (t) => {
  const { doorman, arrive } = await open(t);
  const sockets = [];
  for (let i = 0; i < 5; i++) sockets.push(await arrive());
  t.deepEqual(
    sockets.map(({ destroyed }) => destroyed),
    [true, true, false, false, false],
  );
  t.false(doorman.prove(sockets[0]!));
  t.true(doorman.prove(sockets[4]!));
});

test("those who proved it no longer count as waiting, and have a limit of their own", async (t) => {
  const { doorman, arrive } = await open(t);
  const [one, two, three] = [await arrive(), await arrive(), await arrive()];
  t.true(doorman.prove(one) && doorman.prove(two));
  t.false(doorman.prove(three));
  one.destroy();
  await once(one, "close");
  t.true(doorman.prove(three));
});
