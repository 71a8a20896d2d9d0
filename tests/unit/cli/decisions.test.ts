import { readdirSync, readFileSync } from "node:fs";
import test from "ava";

const FOLDER = new URL("../../../docs/decisions/", import.meta.url);

test("every decision has its number and its line in the list", (t) => {
  const list = readFileSync(new URL("README.md", FOLDER), "utf8");
  const files = readdirSync(FOLDER).filter((name) => /^\d/.test(name));
  t.true(files.length > 40);
  for (const file of files) {
    const [, title] = /^# (\d+\. .+)\n/.exec(readFileSync(new URL(file, FOLDER), "utf8")) ?? [];
    const [number = "", words = ""] = (title ?? "").split(/\. (.*)/s);
    t.is(Number(number), Number(file.slice(0, 3)), file);
    t.true(list.includes(`- [${number} ${words}](${file})\n`), `docs/decisions/README.md: ${file}`);
  }
  t.is(list.split("\n- [").length - 1, files.length, "no line is of nothing");
});
