import { isObject } from "../buildpacks/json.ts";

/** One thing that is in an image, as CycloneDX and package URLs name it. */
interface Component {
  type: "library" | "operating-system";
  name: string;
  version: string;
  purl?: string;
}

export interface SbomSubject {
  app: string;
  /** `v7` */
  release: string;
  /** `sha256:…` */
  image: string;
  /** ms */
  at: number;
}

/** Files of an image that say what is in it, by the end of their path. */
const SOURCES: [pattern: RegExp, read: (text: string, path: string) => Component[]][] = [
  [/^var\/lib\/dpkg\/status$/, debian],
  [/^(usr\/lib|etc)\/os-release$/, system],
  [/(^|\/)node_modules\/\.package-lock\.json$/, npm],
  [/\.dist-info\/METADATA$/, python],
  [/(^|\/)Gemfile\.lock$/, ruby],
  [/(^|\/)vendor\/composer\/installed\.json$/, php],
  [/(^|\/)Cargo\.lock$/, rust],
  [/(^|\/)go\.sum$/, go],
];

/** Whether a file of an image is one of those. @param path without a leading slash */
export function tellsContents(path: string): boolean {
  return SOURCES.some(([pattern]) => pattern.test(path));
}

/**
 * What is in an image, as a CycloneDX 1.5 document: from dpkg's records and the files that package
 * managers leave beside what they have installed. The same image gives the same document.
 * @param files path to text
 */
export function describeContents(subject: SbomSubject, files: Map<string, string>): object {
  const found = new Map<string, Component>();
  for (const [path, text] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const read = SOURCES.find(([pattern]) => pattern.test(path))?.[1];
    for (const one of read?.(text, path) ?? [])
      found.set(`${one.type} ${one.purl ?? one.name} ${one.version}`, one);
  }
  const components = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      timestamp: new Date(subject.at).toISOString(),
      tools: { components: [{ type: "application", name: "teal" }] },
      component: {
        type: "container",
        name: subject.app,
        version: subject.release,
        hashes: [{ alg: "SHA-256", content: subject.image.replace("sha256:", "") }],
      },
    },
    components: components.map((one) => ({
      "bom-ref": one.purl ?? `${one.name}@${one.version}`,
      ...one,
    })),
  };
}

function library(type: string, name: string, version: string, more = ""): Component[] {
  if (name === "" || version === "") return [];
  const path = name.split("/").map(encodeURIComponent).join("/");
  return [
    {
      type: "library",
      name,
      version,
      purl: `pkg:${type}/${path}@${encodeURIComponent(version)}${more}`,
    },
  ];
}

function debian(text: string): Component[] {
  return text.split(/\n\n+/).flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(block)?.[1] ?? "";
    if (!field("Status").endsWith(" installed")) return [];
    const arch = field("Architecture");
    return library(
      "deb",
      `debian/${field("Package")}`,
      field("Version"),
      arch ? `?arch=${arch}` : "",
    );
  });
}

function system(text: string): Component[] {
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  const name = field("ID");
  return name ? [{ type: "operating-system", name, version: field("VERSION_ID") }] : [];
}

function npm(text: string): Component[] {
  const packages = objectOf(text)["packages"];
  if (!isObject(packages)) return [];
  return Object.entries(packages).flatMap(([path, one]) => {
    const name = path.replace(/^.*node_modules\//, "");
    const version = isObject(one) ? one["version"] : undefined;
    return typeof version === "string" ? library("npm", name, version) : [];
  });
}

function python(text: string): Component[] {
  const [head = ""] = text.split(/\n\n/);
  const field = (name: string) => new RegExp(`^${name}: (.+)$`, "mi").exec(head)?.[1]?.trim() ?? "";
  return library("pypi", field("Name").toLowerCase().replaceAll("_", "-"), field("Version"));
}

function ruby(text: string): Component[] {
  let [section, listing] = ["", false];
  return text.split("\n").flatMap((line) => {
    if (/^\S/.test(line)) [section, listing] = [line, false];
    if (line === "  specs:") listing = section === "GEM";
    const [, name = "", version = ""] = /^ {4}(\S+) \(([^)]+)\)$/.exec(line) ?? [];
    return listing ? library("gem", name, version) : [];
  });
}

function php(text: string): Component[] {
  const all = objectOf(text)["packages"];
  return (Array.isArray(all) ? all : []).flatMap((one) => {
    const { name, version } = isObject(one) ? one : {};
    return typeof name === "string" && typeof version === "string"
      ? library("composer", name, version)
      : [];
  });
}

function rust(text: string): Component[] {
  return text.split("[[package]]").flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name} = "([^"]+)"$`, "m").exec(block)?.[1] ?? "";
    return field("source") ? library("cargo", field("name"), field("version")) : [];
  });
}

function go(text: string): Component[] {
  return [...text.matchAll(/^(\S+) (v\S+?) h1:/gm)]
    .filter(([, , version]) => !version?.endsWith("/go.mod"))
    .flatMap(([, name = "", version = ""]) => library("golang", name, version));
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
