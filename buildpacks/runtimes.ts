import type { Language, NodeName, Runtime, RuntimeName } from "./plan.ts";

/** What is known of a base image. `{v}` in a tag stands for a version line such as "3.12". */
export interface RuntimeKind {
  /** As people call it. */
  label: string;
  /** Version lines of official images, newest first; newer ones are tried too. */
  lines: string[];
  /** The official image; null when there is none. */
  official: { image: string; tag: string } | null;
  /** What Debian bookworm has: its version, and the packages that bring it; null when it has none. */
  debian: { version: string; packages: string[] } | null;
}

/** Every runtime but Node. */
export type PackagedName = Exclude<RuntimeName, NodeName>;

const PYTHON_LINES = ["3.14", "3.13", "3.12", "3.11", "3.10", "3.9"];
const RUBY_LINES = ["3.4", "3.3", "3.2", "3.1"];
const PHP_LINES = ["8.4", "8.3", "8.2", "8.1"];
const JAVA_LINES = ["25", "21", "17", "11", "8"];
const DOTNET_LINES = ["10.0", "9.0", "8.0"];
const COMPILERS = ["build-essential", "git", "libpq-dev", "pkg-config"];
const CLASSIC = ["bash", "curl", "gnupg", "openssl", "procps", "xz-utils"];
const PYTHON = ["python3", "python3-venv", "python-is-python3"];
const RUBY = ["ruby", "bundler", "libyaml-0-2"];
const PHP = [
  "apache2",
  "libapache2-mod-php",
  "php-cli",
  ...["curl", "mbstring", "mysql", "pgsql", "sqlite3", "xml", "zip"].map((name) => `php-${name}`),
];

/** Every base image but Node's, which comes from npm's registry where there is no image registry. */
export const RUNTIMES: Record<PackagedName, RuntimeKind> = {
  debian: {
    label: "Debian",
    lines: ["12"],
    official: { image: "debian", tag: "bookworm-slim" },
    debian: { version: "12", packages: [] },
  },
  static: {
    label: "nginx",
    lines: ["1.28"],
    official: { image: "nginx", tag: "{v}-bookworm" },
    debian: { version: "1.22.1", packages: ["nginx-light"] },
  },
  python: {
    label: "Python",
    lines: PYTHON_LINES,
    official: { image: "python", tag: "{v}-slim-bookworm" },
    debian: { version: "3.11.2", packages: [...PYTHON, "libpq5"] },
  },
  "python-build": {
    label: "Python",
    lines: PYTHON_LINES,
    official: { image: "python", tag: "{v}-bookworm" },
    debian: { version: "3.11.2", packages: [...PYTHON, "python3-dev", ...COMPILERS] },
  },
  ruby: {
    label: "Ruby",
    lines: RUBY_LINES,
    official: { image: "ruby", tag: "{v}-slim-bookworm" },
    debian: { version: "3.1.2", packages: [...RUBY, "libpq5"] },
  },
  "ruby-build": {
    label: "Ruby",
    lines: RUBY_LINES,
    official: { image: "ruby", tag: "{v}-bookworm" },
    debian: { version: "3.1.2", packages: [...RUBY, "ruby-dev", "libyaml-dev", ...COMPILERS] },
  },
  go: {
    label: "Go",
    lines: ["1.25", "1.24", "1.23", "1.22", "1.21", "1.20", "1.19"],
    official: { image: "golang", tag: "{v}-bookworm" },
    debian: { version: "1.19.8", packages: ["golang-go", "git"] },
  },
  php: {
    label: "PHP",
    lines: PHP_LINES,
    official: { image: "php", tag: "{v}-apache-bookworm" },
    debian: { version: "8.2.32", packages: PHP },
  },
  "php-build": {
    label: "PHP",
    lines: ["2"],
    official: { image: "composer", tag: "2" },
    debian: { version: "8.2.32", packages: [...PHP, "composer", "git", "unzip"] },
  },
  java: {
    label: "Java",
    lines: JAVA_LINES,
    official: { image: "eclipse-temurin", tag: "{v}-jdk" },
    debian: { version: "17.0.19", packages: ["openjdk-17-jdk-headless"] },
  },
  "java-run": {
    label: "Java",
    lines: JAVA_LINES,
    official: { image: "eclipse-temurin", tag: "{v}-jre" },
    debian: { version: "17.0.19", packages: ["openjdk-17-jre-headless"] },
  },
  maven: {
    label: "Java",
    lines: JAVA_LINES,
    official: { image: "maven", tag: "3-eclipse-temurin-{v}" },
    debian: { version: "17.0.19", packages: ["openjdk-17-jdk-headless", "maven"] },
  },
  gradle: {
    label: "Java",
    lines: JAVA_LINES,
    official: { image: "gradle", tag: "jdk{v}" },
    debian: null,
  },
  rust: {
    label: "Rust",
    lines: Array.from({ length: 35 }, (_, i) => `1.${90 - i}`),
    official: { image: "rust", tag: "{v}-bookworm" },
    debian: { version: "1.63.0", packages: ["cargo", "gcc", "libc6-dev", "pkg-config", "git"] },
  },
  deno: {
    label: "Deno",
    lines: ["2.5", "2.4", "2.3", "2.2", "2.1", "2.0"],
    official: { image: "denoland/deno", tag: "debian-{v}.0" },
    debian: null,
  },
  elixir: {
    label: "Elixir",
    lines: ["1.18", "1.17", "1.16", "1.15", "1.14"],
    official: { image: "elixir", tag: "{v}-slim" },
    debian: { version: "1.14.0", packages: ["elixir", "erlang-dev", "erlang-parsetools", "git"] },
  },
  dotnet: {
    label: ".NET",
    lines: DOTNET_LINES,
    official: { image: "mcr.microsoft.com/dotnet/aspnet", tag: "{v}" },
    debian: null,
  },
  "dotnet-build": {
    label: ".NET",
    lines: DOTNET_LINES,
    official: { image: "mcr.microsoft.com/dotnet/sdk", tag: "{v}" },
    debian: null,
  },
  // The stack that classic buildpacks were written for.
  classic: {
    label: "Stack",
    lines: ["22"],
    official: { image: "heroku/heroku", tag: "{v}" },
    debian: { version: "12", packages: CLASSIC },
  },
  "classic-build": {
    label: "Stack",
    lines: ["22"],
    official: { image: "heroku/heroku", tag: "{v}-build" },
    debian: {
      version: "12",
      packages: [
        ...CLASSIC,
        ...COMPILERS,
        "file",
        "jq",
        "libssl-dev",
        "python3",
        "unzip",
        "zip",
        "zlib1g-dev",
      ],
    },
  },
};

/** Languages as people call them. */
export const LANGUAGES: Record<Language, string> = {
  node: "Node",
  python: "Python",
  ruby: "Ruby",
  go: "Go",
  php: "PHP",
  java: "Java",
  rust: "Rust",
  deno: "Deno",
  elixir: "Elixir",
  dotnet: ".NET",
  static: "Static",
  classic: "Classic-buildpack",
};

/** Node comes from npm's registry where there is no image registry, in more than one piece. */
export function isNode(name: RuntimeName): name is NodeName {
  return name === "node" || name === "node-run";
}

/** As people call it. */
export function labelOf(name: RuntimeName): string {
  return isNode(name) ? "Node" : RUNTIMES[name].label;
}

/** One runtime to build with where another one runs; both of one version. */
export function sameVersion(runtime: Runtime, name: RuntimeName): Runtime {
  return { ...runtime, name };
}
