import semver from "semver";

/** Words that leave the choice to the platform. */
const ANY = /^(?:\*|latest|stable|current|default|system|lts|lts\/\*|node)$/i;

/** Other makes of a language, which are not had here. */
const OTHER_MAKES = /^(?:pypy|graalpy|jython|(?:mini|ana)conda|jruby|truffleruby|mruby|rbx)/;

/** Node's names of its long-term-support lines. */
const LTS_NAMES: Record<string, string> = {
  hydrogen: "18",
  iron: "20",
  jod: "22",
  krypton: "24",
};

/**
 * A version as people write it in version files (`v22`, `3.12`, `python-3.12.4`, `lts/iron`) as a
 * semver range; null when it is none.
 */
export function versionRange(text: string): string | null {
  const word = text.trim().toLowerCase();
  if (ANY.test(word)) return "*";
  if (OTHER_MAKES.test(word)) return null;
  const lts = LTS_NAMES[word.replace(/^lts[/-]/, "")];
  if (lts) return `${lts}.x`;
  // 'temurin-21.0.2+13', 'go1.22', 'ruby-3.2.2', '3.2.2p20', '1.18.4-otp-27'
  const found = /^(?:[a-z][a-z-]*)?(\d+(?:\.(?:\d+|x|\*))*)/.exec(word);
  if (!found || /(alpha|beta|rc|preview|nightly|a\d|b\d)/.test(word.slice(found[0].length)))
    return null;
  return ofNumbers(found[1] ?? "");
}

/** `3` is any 3, `3.12` any 3.12, `3.12.4` itself; further numbers are left out. */
function ofNumbers(version: string): string | null {
  const [major = "", minor = "x", patch = "x"] = version.replaceAll("*", "x").split(".");
  const range =
    minor === "x" ? `${Number(major)}.x` : `${Number(major)}.${number(minor)}.${number(patch)}`;
  const exact = range.replace(/\.x\.x$/, ".x").replace(/^(\d+\.\d+)\.x$/, "$1.x");
  return semver.validRange(exact) === null ? null : exact;
}

function number(part: string): string {
  return part === "x" ? "x" : String(Number(part));
}

/** With one space wherever there are some: what is made of it then looks at each place once. */
function oneSpaced(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

/** Conditions of Python, Ruby and Elixir: `>=3.10,<4`, `~=3.10`, `~> 3.2`, `==3.11.*`, `^3.11`. */
export function conditionRange(text: string): string | null {
  const alternatives = oneSpaced(text)
    .split(/ ?\|\| ?| or /)
    .map((alternative) => {
      const parts = alternative
        .split(/ ?, ?| and /)
        .map((part) => part.trim())
        .filter((part) => part !== "" && !part.startsWith("!="));
      return parts.map(oneCondition).join(" ") || "*";
    });
  const range = alternatives.join(" || ");
  return semver.validRange(range) === null ? null : range;
}

function oneCondition(part: string): string {
  const [sign = ""] = /^(?:~=|~>|[<>=!^~]*)/.exec(part) ?? [];
  const version = part.slice(sign.length).trim();
  const bare = version.replaceAll("*", "x").replace(/^v/, "");
  if (sign === "~=" || sign === "~>") return upToNext(bare);
  if (sign === "==" || sign === "=" || sign === "===" || sign === "")
    return ofNumbers(bare) ?? part;
  return `${sign}${bare.replace(/\.x$/, "")}`;
}

/** `~> 3.2` is any 3 from 3.2 on; `~> 3.2.1` any 3.2 from 3.2.1 on. */
function upToNext(version: string): string {
  const numbers = version.split(".").map(Number);
  const [major = 0, minor = 0] = numbers;
  const end = numbers.length > 2 ? `${major}.${minor + 1}.0` : `${major + 1}.0.0`;
  return `>=${version} <${end}`;
}

/** Composer's: `^8.1|^8.2`, `~8.1` (any 8 from 8.1 on), `8.2.*`, `>=8.1 <8.4`. */
export function composerRange(text: string): string | null {
  const range = oneSpaced(text)
    .replaceAll(/ ?\|\|? ?/g, " || ")
    .replaceAll(/ ?, ?/g, " ")
    .replaceAll(/~ ?(\d[\d.]*)/g, (_, version: string) => upToNext(version))
    .replaceAll(/\.\*/g, ".x");
  return semver.validRange(range) === null ? null : range;
}
