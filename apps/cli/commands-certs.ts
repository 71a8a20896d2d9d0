import type { Command } from "./command.ts";

const certs = () => import("./certs.ts");

/** The commands for what an app is served with by https. */
export const CERT_COMMANDS: Command[] = [
  {
    name: "certs",
    summary: "the app's certificates: names, issuer, days left",
    args: [],
    app: true,
    example: "teal certs -a shop",
    run: async (input) => (await certs()).listCerts(input),
  },
  {
    name: "certs:add",
    summary: "serve the app with a certificate of your own; one file may hold certificate and key",
    args: ["CERT", "[KEY]"],
    app: true,
    example: "teal certs:add fullchain.pem privkey.pem -a shop",
    run: async (input) => (await certs()).addCert(input),
  },
  {
    name: "certs:auto",
    summary: "have the platform order and renew certificates for the app's hosts, or not",
    args: ["on|off"],
    app: true,
    example: "teal certs:auto on -a shop",
    run: async (input) => (await certs()).autoCerts(input),
  },
  {
    name: "certs:remove",
    summary: "serve the app with a certificate no more",
    args: ["ID"],
    app: true,
    example: "teal certs:remove 4f1d2c3b4a59 -a shop",
    run: async (input) => (await certs()).removeCert(input),
  },
];
