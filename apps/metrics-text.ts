type Labels = Record<string, string>;
type Type = "counter" | "gauge";

/** Samples by family, as Prometheus' text format wants them together. */
export interface Families {
  add(name: string, type: Type, help: string, labels: Labels, value: number): void;
  /** Adds a whole text, each sample with further labels. */
  merge(text: string, labels: Labels): void;
  text(): string;
}

interface Family {
  head: string[];
  samples: string[];
}

/** `_bucket`, `_sum` and `_count` are of the histogram before them. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+(?: \d+)?)$/;
const HEAD = /^# (HELP|TYPE) (\S+)/;

export function createFamilies(): Families {
  const families = new Map<string, Family>();
  const familyOf = (name: string): Family => {
    const found = families.get(name) ?? { head: [], samples: [] };
    families.set(name, found);
    return found;
  };

  return {
    add(name, type, help, labels, value) {
      const family = familyOf(name);
      family.head = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
      family.samples.push(sampleOf(name, written(labels), String(value)));
    },
    merge(text, labels) {
      const more = written(labels);
      let family: Family | null = null;
      let isFirst = true;
      for (const line of text.split("\n")) {
        const head = HEAD.exec(line);
        if (head?.[2]) {
          if (head[1] === "HELP") {
            isFirst = !families.has(head[2]);
            family = familyOf(head[2]);
          }
          if (isFirst) family?.head.push(line);
          continue;
        }
        const [, name, own, value] = SAMPLE.exec(line) ?? [];
        if (!family || !name || value === undefined) continue;
        family.samples.push(sampleOf(name, own ? `${own},${more}` : more, value));
      }
    },
    text() {
      const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]);
      return `${lines.join("\n")}\n`;
    },
  };
}

function sampleOf(name: string, labels: string, value: string): string {
  return labels === "" ? `${name} ${value}` : `${name}{${labels}} ${value}`;
}

function written(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, escapeOf)}"`)
    .join(",");
}

function escapeOf(char: string): string {
  return char === "\n" ? "\\n" : `\\${char}`;
}
