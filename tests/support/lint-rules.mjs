import { relative } from "node:path";
import { analyse } from "scslre";

/** The linter's own rules of this project. A child process never runs through a shell. */
const noShell = {
  create(context) {
    return {
      Property(node) {
        const key = node.key.name ?? node.key.value;
        if (key !== "shell" || node.computed || node.parent?.type !== "ObjectExpression") return;
        if (node.value.type === "Literal" && node.value.value === false) return;
        context.report({ node, message: "A child process never runs through a shell." });
      },
    };
  },
};

/** V8 makes such a function in the old generation, where it keeps all that it can see: see docs/decisions/069. */
const noOldFunction = {
  create(context) {
    return {
      AssignmentExpression({ left, right }) {
        if (left.type !== "MemberExpression") return;
        if (!["ArrowFunctionExpression", "FunctionExpression"].includes(right.type)) return;
        context.report({
          node: right,
          message: "A function written into a property is born old: give it a name first.",
        });
      },
    };
  },
};

/** Modules that not everybody may import, and who may; of `names`, these alone are meant. */
const OWNED = [
  {
    module: /^(node:)?child_process$/,
    names: ["exec", "execSync"],
    message: "Children run as argument lists: use spawn or execFile, never a shell.",
  },
  {
    module: /^dockerode$/,
    owner: /^(workers\/engine|tests)\//,
    message: "Only workers/engine/ talks to Docker.",
  },
  {
    module: /^simple-git$/,
    owner: /^apps\/git-run\.ts$/,
    message: "Only apps/git-run.ts runs git.",
  },
];

const noForeignModule = {
  create(context) {
    const file = relative(context.cwd, context.filename);
    const check = (node) => {
      const owned = OWNED.find(({ module }) => module.test(node.source?.value ?? ""));
      if (!owned || owned.owner?.test(file)) return;
      const named = (node.specifiers ?? []).map((one) => (one.imported ?? one.local)?.name);
      const whole = node.specifiers?.some((one) => !one.type.endsWith("portSpecifier")) ?? true;
      if (owned.names && !whole && !named.some((name) => owned.names.includes(name))) return;
      context.report({ node, message: owned.message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

const EVERY = { Move: true, Self: true, Trade: true };

/** What an app's files say is matched in time in proportion to their length: see docs/decisions/009. */
const noSlowPattern = {
  create(context) {
    return {
      Literal(node) {
        if (!node.regex) return;
        const { pattern: source, flags } = node.regex;
        const options = { reportTypes: EVERY, assumeRejectingSuffix: false, maxReports: 1 };
        const [found] = analyse({ source, flags }, options).reports;
        if (!found) return;
        const way = found.type === "Move" ? "looks again from each place" : "tries ways to share";
        context.report({ node, message: `This expression ${way}: a long text makes it slow.` });
      },
    };
  },
};

export default {
  meta: { name: "teal" },
  rules: {
    "no-shell": noShell,
    "no-old-function": noOldFunction,
    "no-slow-pattern": noSlowPattern,
    "no-foreign-module": noForeignModule,
  },
};
