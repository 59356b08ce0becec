import type { GraphData } from "./model";

// The words of portal_ui's step_graph, which writes the same list when the page is made.
const WORDS: Record<string, string> = {
  next: "then",
  branch: "branches to",
  loop: "repeats from",
  failure: "on failure",
  cancel: "on cancel",
};

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** The graph as list items: each step, its action, and where it leads. */
export function inWords(data: GraphData): HTMLLIElement[] {
  const labels = new Map(data.nodes.map((node) => [node.id, node.label ?? node.id]));
  return data.nodes.map((node) => {
    const item = document.createElement("li");
    const link = element("a", node.label ?? node.id) as HTMLAnchorElement;
    link.href = node.href ?? `#step-${node.id}`;
    item.append(link, " ", element("code", node.action ?? ""), node.status ? ` ${node.status}` : "");
    data.edges
      .filter((edge) => edge.source === node.id)
      .forEach((edge, index) => {
        item.append(index === 0 ? ": " : "; ", `${WORDS[edge.kind ?? "next"] ?? "then"} `);
        item.append(element("strong", labels.get(edge.target) ?? edge.target), edge.label ? ` (${edge.label})` : "");
      });
    return item;
  });
}
