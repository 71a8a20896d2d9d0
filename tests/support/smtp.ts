import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { TLSSocket } from "node:tls";

interface Options {
  /** With these the server offers STARTTLS. */
  tls?: { key: string; cert: string };
  /** Answers to the first RCPTs, in the place of "250". */
  answers?: string[];
  /** It waits so long before each answer. */
  answerMs?: number;
}

/** A mail server on the loopback that keeps what it is sent. */
export async function startSmtp({ tls, answers = [], answerMs = 0 }: Options = {}) {
  const said: string[] = [];
  const mails: string[] = [];
  const sockets = new Set<Socket>();

  function talk(socket: Socket, encrypted: boolean): void {
    let data: string[] | null = null;
    const lines = createInterface({ input: socket });
    const send = (text: string) => void (socket.destroyed || socket.write(`${text}\r\n`));
    const reply = (text: string) =>
      answerMs === 0 ? send(text) : void setTimeout(() => send(text), answerMs).unref();
    lines.on("line", (line) => {
      if (data) {
        if (line !== ".") return void data.push(line);
        mails.push(data.join("\n"));
        data = null;
        return reply("250 kept");
      }
      said.push(encrypted ? `${line} (TLS)` : line);
      const verb = line.split(" ")[0];
      if (verb === "EHLO") {
        reply("250-mail.example.com");
        if (tls && !encrypted) reply("250-STARTTLS");
        return reply("250 AUTH PLAIN");
      }
      if (verb === "STARTTLS") {
        reply("220 go on");
        lines.close();
        socket.removeAllListeners("data");
        return talk(new TLSSocket(socket, { isServer: true, ...tls }), true);
      }
      if (verb === "AUTH") return reply("235 in");
      if (verb === "RCPT") return reply(answers.shift() ?? "250 ok");
      if (verb !== "DATA") return reply("250 ok");
      data = [];
      return reply("354 go on");
    });
    socket.on("error", () => {});
    if (!encrypted) reply("220 mail.example.com");
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    talk(socket, false);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    said,
    mails,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
