import { draw } from "./graph/drawing";
import { arrange } from "./graph/layout";
import { drawable, type GraphData } from "./graph/model";
import { inWords } from "./graph/words";

/** What each container shows now, so that an unchanged graph is not drawn again under the reader's hands. */
const shown = new WeakMap<Element, string>();

function render(container: HTMLElement, text: string): void {
  if (shown.get(container) === text) return;
  shown.set(container, text);
  const data = drawable(JSON.parse(text) as GraphData);
  if (data.nodes.length === 0) {
    container.replaceChildren();
    return;
  }
  const { scrollLeft, scrollTop } = container;
  container.replaceChildren(draw(arrange(data), container.dataset.graphSrc?.slice(1) ?? "steps"));
  container.scrollTo(scrollLeft, scrollTop);
}

function renderAll(): void {
  for (const container of document.querySelectorAll<HTMLElement>("[data-graph-src]")) {
    const source = document.querySelector(container.dataset.graphSrc ?? "");
    if (source?.textContent) render(container, source.textContent);
  }
}

renderAll();
document.addEventListener("htmx:afterSettle", renderAll);
// The editor writes a checked draft's graph into the JSON element and says so.
document.addEventListener("portal:graph", () => {
  renderAll();
  for (const container of document.querySelectorAll<HTMLElement>("[data-graph-src]")) {
    const source = document.querySelector(container.dataset.graphSrc ?? "");
    const list = document.querySelector(`${container.dataset.graphSrc}-words ol`);
    if (source?.textContent) list?.replaceChildren(...inWords(JSON.parse(source.textContent) as GraphData));
  }
});
