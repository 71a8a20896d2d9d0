/** A WebSocket server that sends every message back: `echo-backend.ts PORT`. */
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1" });
server.on("connection", (socket) => {
  socket.on("error", () => undefined);
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
