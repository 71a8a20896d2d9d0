/**
 * What the platform writes on its containers. A container also has its image's labels, which an app
 * chooses: each name is therefore on every container, empty where it says nothing.
 */
const NAMES = [
  "teal.platform",
  "teal.app",
  "teal.app-id",
  "teal.release",
  "teal.instance",
  "teal.colour",
  "teal.process",
  "teal.index",
  "teal.deploy",
  "teal.one-off",
  "teal.run-until",
  "teal.run-by",
  "teal.run-kept",
] as const;

export type OwnLabels = Partial<Record<(typeof NAMES)[number], string>>;

/** Labels of a new container: what they say, and nothing that its image would say in their place. */
export function labelsOf(own: OwnLabels): Record<string, string> {
  return Object.fromEntries(NAMES.map((name) => [name, own[name] ?? ""]));
}

/** What the labels of a container say. */
export function ownLabels(labels: Record<string, string>): OwnLabels {
  return Object.fromEntries(NAMES.flatMap((name) => (labels[name] ? [[name, labels[name]]] : [])));
}
