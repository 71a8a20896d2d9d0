/** The linter's own rules of this project: a child process never runs through a shell. */
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

export default { meta: { name: "teal" }, rules: { "no-shell": noShell } };
