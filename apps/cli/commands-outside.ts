import type { Command } from "./command.ts";

const hooks = () => import("./hooks.ts");
const notifications = () => import("./notifications.ts");

/** Who outside may ask for deploys, and who is told of them. */
export const OUTSIDE_COMMANDS: Command[] = [
  {
    name: "hooks",
    summary: "the app's webhook senders",
    args: [],
    app: true,
    example: "teal hooks -a shop",
    run: async (input) => (await hooks()).listHooks(input),
  },
  {
    name: "hooks:add",
    summary: "let a CI ask for deploys by webhook; the secret is shown once",
    args: [],
    app: true,
    options: {
      provider: {
        type: "string",
        value: "NAME",
        help: "github, gitlab, gitea, bitbucket, registry, dockerhub, or standard for any other CI",
      },
      branch: { type: "string", value: "NAME", help: "the branch that is deployed (main)" },
      repo: { type: "string", value: "URL", help: "where to fetch from (where the webhook says)" },
      image: {
        type: "string",
        value: "NAME",
        help: "the image's repository that may be deployed, or with a tag: ghcr.io/ann/shop:v*",
      },
      events: { type: "string", value: "A,B", help: "events that deploy, such as workflow_run" },
      paths: { type: "string", value: "GLOBS", help: "only pushes that change these files" },
      token: { type: "string", value: "TOKEN", help: "for a private https repository; - reads it" },
      "deploy-key": { type: "string", value: "FILE", help: "private key for an ssh repository" },
    },
    example: "teal hooks:add -a shop --provider github --events workflow_run",
    run: async (input) => (await hooks()).addHook(input),
  },
  {
    name: "hooks:remove",
    summary: "end a webhook sender at once",
    args: ["ID"],
    app: true,
    example: "teal hooks:remove 3f2a91c0d4e5 -a shop",
    run: async (input) => (await hooks()).removeHook(input),
  },
  {
    name: "hooks:deliveries",
    summary: "what became of the newest deliveries",
    args: [],
    app: true,
    example: "teal hooks:deliveries -a shop",
    run: async (input) => (await hooks()).listDeliveries(input),
  },
  {
    name: "hooks:redeliver",
    summary: "look at a delivery again, by its key",
    args: ["KEY"],
    app: true,
    example: "teal hooks:redeliver 5d1f0c9ab3e2 -a shop",
    run: async (input) => (await hooks()).redeliver(input),
  },
  {
    name: "notifications",
    summary: "who is told what happens to the app",
    args: [],
    app: true,
    example: "teal notifications -a shop",
    run: async (input) => (await notifications()).listNotifiers(input),
  },
  {
    name: "notifications:add",
    summary: "tell a webhook or a chat what happens to the app",
    args: [],
    app: true,
    options: {
      kind: {
        type: "string",
        value: "KIND",
        help: "webhook, slack, discord, teams, matrix or email",
      },
      url: { type: "string", value: "URL", help: "where to; - reads it from standard input" },
      events: {
        type: "string",
        value: "A,B",
        help: "such as deploy.started (live, failed, rolled-back)",
      },
      token: { type: "string", value: "TOKEN", help: "matrix: access token; email: USER:PASSWORD" },
    },
    example: "teal notifications:add -a shop --kind slack --url https://hooks.slack.com/…",
    run: async (input) => (await notifications()).addNotifier(input),
  },
  {
    name: "notifications:remove",
    summary: "tell somebody no more",
    args: ["ID"],
    app: true,
    example: "teal notifications:remove 3f2a91c0d4e5 -a shop",
    run: async (input) => (await notifications()).removeNotifier(input),
  },
  {
    name: "notifications:deliveries",
    summary: "the newest tries to tell somebody",
    args: [],
    app: true,
    example: "teal notifications:deliveries -a shop",
    run: async (input) => (await notifications()).listSent(input),
  },
];
