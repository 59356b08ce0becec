import type { Finding } from "./checking";

const WORDS: Record<Finding["severity"], string> = { error: "Error", warning: "Warning", info: "Note" };
const TONES: Record<Finding["severity"], string> = { error: "failure", warning: "waiting", info: "running" };

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** "2 errors, 1 warning", or that there is nothing to object to. */
export function summary(findings: Finding[]): string {
  const of = (severity: Finding["severity"]): number => findings.filter((f) => f.severity === severity).length;
  const parts = [
    [of("error"), "error"],
    [of("warning"), "warning"],
    [of("info"), "note"],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => counted(count, word));
  return said.length > 0 ? said.join(", ") : "No problems found";
}

function element(name: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function item(finding: Finding, goTo: (finding: Finding) => void): HTMLElement {
  const place = element("button", "finding-place", `Line ${finding.line}, column ${finding.column}`) as HTMLButtonElement;
  place.type = "button";
  place.addEventListener("click", () => goTo(finding));
  const more = element("div", "finding-more");
  if (finding.hint) more.append(element("p", "finding-hint", finding.hint));
  more.append(element("code", "", finding.id));
  const word = element("strong", "finding-word", `${WORDS[finding.severity]} `);
  return element(
    "li",
    `finding tone-${TONES[finding.severity]}`,
    word,
    element("p", "finding-message", finding.message),
    place,
    more,
  );
}

/** The list below the editor: the same findings as its gutter, reachable by keyboard, counted aloud when they change. */
export class FindingsPanel {
  private readonly list = element("ol", "findings");
  private readonly count = element("span", "editor-count", "Not checked yet");
  readonly elements: HTMLElement[];

  constructor(private readonly goTo: (finding: Finding) => void) {
    this.count.setAttribute("role", "status");
    this.list.setAttribute("aria-label", "Findings");
    const keys = element("span", "editor-keys", "Ctrl+S saves · Escape, then Tab leaves the text");
    this.elements = [this.list, element("div", "editor-foot", this.count, keys)];
  }

  show(findings: Finding[]): void {
    this.say(summary(findings));
    this.list.replaceChildren(...findings.map((finding) => item(finding, this.goTo)));
  }

  say(text: string): void {
    if (this.count.textContent !== text) this.count.textContent = text;
  }
}
