import type { Tree } from "./tree.ts";

export interface JavaMain {
  /** The class with its package. */
  name: string;
  /** Folder of the sources. */
  root: string;
  resources: boolean;
}

const ROOTS = ["src/main/java", "src", "."];
const MAIN = /\bstatic\s+(?:final\s+)?void\s+main\s*\(/;
/** Folders below a root that are looked into. */
const MOST_FOLDERS = 200;

/** The class to start of sources without a build file; null when there is none. */
export async function findJavaMain(tree: Tree): Promise<JavaMain | null> {
  for (const root of ROOTS) {
    const name = await mainUnder(tree, root);
    if (name !== null) return { name, root, resources: await tree.isFolder("src/main/resources") };
  }
  return null;
}

async function mainUnder(tree: Tree, root: string): Promise<string | null> {
  const open = [root];
  for (let looked = 0; open.length > 0 && looked < MOST_FOLDERS; looked++) {
    const folder = open.shift() ?? root;
    const names = await tree.list(folder);
    const files = names.filter((name) => /^\w+\.java$/.test(name));
    const likely = files.toSorted((a, b) => rank(a) - rank(b));
    for (const file of likely) {
      const text = (await tree.read(under(folder, file))) ?? "";
      if (!MAIN.test(text)) continue;
      const packageName = /^[ \t]*package[ \t]+([\w.]+)[ \t]*;/m.exec(text)?.[1];
      return `${packageName ? `${packageName}.` : ""}${file.replace(/\.java$/, "")}`;
    }
    // Apps at the top of a tree have their sources there, too.
    if (root === ".") break;
    open.push(...names.filter((name) => /^\w+$/.test(name)).map((name) => under(folder, name)));
  }
  return null;
}

function rank(file: string): number {
  const at = ["Main.java", "App.java", "Server.java"].indexOf(file);
  return at === -1 ? 9 : at;
}

function under(folder: string, name: string): string {
  return folder === "." ? name : `${folder}/${name}`;
}
