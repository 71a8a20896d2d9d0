import { connect } from "node:net";
import test from "ava";
import { eventually, startPushWorld } from "../support/push-world.ts";

test("strict key exchange is offered, SHA-1 and compression are not", async (t) => {
  const world = await startPushWorld();
  const socket = connect(world.sshPort, "127.0.0.1");
  try {
    let said = "";
    socket.setEncoding("latin1").on("data", (text: string) => (said += text));
    socket.write("SSH-2.0-test\r\n");
    await eventually(() => said.includes("kex-strict-s-v00@openssh.com"));
    await eventually(() => said.includes("none"));
    t.notRegex(said, /sha1|zlib|cbc|ssh-dss|ssh-rsa/);
  } finally {
    socket.destroy();
    await world.stop();
  }
});
