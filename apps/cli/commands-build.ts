import type { Command } from "./command.ts";
import { NO_FOLLOW, PROMOTE_AFTER } from "./commands-life.ts";

const build = () => import("./build.ts");

/** The commands that are about how an app is built. */
export const BUILD_COMMANDS: Command[] = [
  {
    name: "deploy",
    summary: "deploy a folder, an archive (- reads one), an image, or a branch that was pushed",
    args: ["[WHAT]"],
    app: true,
    options: {
      image: { type: "string", value: "NAME", help: "run this image, pulled or already there" },
      ref: {
        type: "string",
        value: "REF",
        help: "a branch, tag or commit of the app's repository",
      },
      hold: { type: "boolean", help: "wait in the idle colour to be promoted" },
      ...PROMOTE_AFTER,
      irreversible: { type: "boolean", help: "older code no longer works after it" },
      why: { type: "string", value: "TEXT", help: "the reason, kept with the release" },
      "no-cache": { type: "boolean", help: "build every step anew" },
      ...NO_FOLLOW,
    },
    example: "teal deploy . -a shop",
    run: async (input) => (await import("./deploy.ts")).deploy(input),
  },
  {
    name: "build",
    summary: "build a folder without deploying it; without DIR, the app's build options",
    args: ["[DIR]"],
    app: true,
    options: {
      set: { type: "string", value: "A=B,…", help: "build options, as build:set takes them" },
      tag: { type: "string", value: "NAME", help: "the image's name (teal-build/FOLDER:latest)" },
      "no-cache": { type: "boolean", help: "build every step anew" },
    },
    example: "teal build .",
    run: async (input) => (await build()).build(input),
  },
  {
    name: "build:set",
    summary: "say how the app is built: root, dockerfile, context, target, arg.NAME, …",
    args: ["NAME=VALUE…"],
    app: true,
    example: "teal build:set -a shop root=apps/web arg.NODE_ENV=production",
    run: async (input) => (await build()).setOptions(input),
  },
  {
    name: "build:unset",
    summary: "leave a build option to what is found",
    args: ["NAME…"],
    app: true,
    example: "teal build:unset -a shop root",
    run: async (input) => (await build()).unsetOptions(input),
  },
  {
    name: "build:env",
    summary: "let builds read config values, as secrets that stay out of the image",
    args: ["NAME…"],
    app: true,
    example: "teal build:env NPM_TOKEN -a shop",
    run: async (input) => (await build()).setEnv(input),
  },
  {
    name: "buildpacks:set",
    summary: "build with classic buildpacks, in this order",
    args: ["URL…"],
    app: true,
    example: "teal buildpacks:set -a shop https://github.com/heroku/heroku-buildpack-ruby#v300",
    run: async (input) => (await build()).setBuildpacks(input),
  },
  {
    name: "buildpacks:clear",
    summary: "go back to what is found in the tree",
    args: [],
    app: true,
    example: "teal buildpacks:clear -a shop",
    run: async (input) => (await build()).clearBuildpacks(input),
  },
  {
    name: "registry",
    summary: "the image registries that the platform logs in to",
    args: [],
    example: "teal registry",
    run: async (input) => (await import("./registry.ts")).listLogins(input),
  },
  {
    name: "registry:login",
    summary: "log in to an image registry; the password comes on standard input",
    args: ["HOST"],
    options: {
      username: { type: "string", short: "u", value: "NAME", help: "who logs in" },
      realm: {
        type: "string",
        value: "URL",
        help: "where tokens are made, if not at HOST: the password goes nowhere else",
      },
    },
    example: "teal registry:login ghcr.io -u ann",
    run: async (input) => (await import("./registry.ts")).login(input),
  },
  {
    name: "registry:logout",
    summary: "log out of an image registry",
    args: ["HOST"],
    example: "teal registry:logout ghcr.io",
    run: async (input) => (await import("./registry.ts")).logout(input),
  },
  {
    name: "gc",
    summary: "remove images, sources and scratch that nothing refers to any more",
    args: [],
    options: { "dry-run": { type: "boolean", help: "only say what would go, and why" } },
    example: "teal gc --dry-run",
    run: async (input) => (await import("./gc.ts")).collectGarbage(input),
  },
  {
    name: "sbom",
    summary: "what is in a release's image, as a CycloneDX document",
    args: ["vN"],
    app: true,
    example: "teal sbom v3 -a shop",
    run: async (input) => (await import("./sbom.ts")).showContents(input),
  },
];
