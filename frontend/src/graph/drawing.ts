import { shortened, type Layout, type PlacedEdge, type PlacedNode, type Point } from "./layout";

const SVG = "http://www.w3.org/2000/svg";
const KINDS: Record<string, string> = { failure: "is-failure", cancel: "is-cancel", branch: "is-branch", loop: "is-loop" };

function make<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Record<string, string | number>,
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** A smooth line through dagre's points: each is the control point of a curve between the midpoints beside it. */
function curve(points: Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return "";
  let path = `M${first.x},${first.y}`;
  for (let i = 1; i < points.length - 1; i++) {
    const here = points[i] as Point;
    const next = points[i + 1] as Point;
    path += ` Q${here.x},${here.y} ${(here.x + next.x) / 2},${(here.y + next.y) / 2}`;
  }
  return `${path} L${last.x},${last.y}`;
}

function tip(points: Point[]): string {
  const end = points.at(-1);
  const before = points.at(-2);
  if (!end || !before) return "";
  const angle = Math.atan2(end.y - before.y, end.x - before.x);
  const corner = (turn: number): string =>
    `${end.x - 8 * Math.cos(angle + turn)},${end.y - 8 * Math.sin(angle + turn)}`;
  return `M${end.x},${end.y} L${corner(0.42)} L${corner(-0.42)} Z`;
}

function drawEdge({ edge, points, label }: PlacedEdge): SVGGElement {
  const group = make(
    "g",
    { class: `graph-edge ${KINDS[edge.kind ?? ""] ?? ""}`.trim() },
    make("path", { d: curve(points) }),
    make("path", { class: "graph-tip", d: tip(points) }),
  );
  if (label && edge.label) {
    group.append(
      make("text", { x: label.x, y: label.y + 4, "text-anchor": "middle" }, make("title", {}, edge.label), shortened(edge.label)),
    );
  }
  return group;
}

function drawNode({ node, x, y, width, height }: PlacedNode): SVGAElement {
  const label = node.label ?? node.id;
  const facts = [label, node.action, node.status].filter(Boolean).join(", ");
  return make(
    "a",
    {
      class: `graph-node ${node.tone ? `tone-${node.tone}` : ""}`.trim(),
      href: node.href ?? `#step-${node.id}`,
      "aria-label": facts,
    },
    make("title", {}, facts),
    make("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 7 }),
    make("text", { class: "graph-label", x, y: y - 3, "text-anchor": "middle" }, shortened(label)),
    make("text", { class: "graph-action", x, y: y + 13, "text-anchor": "middle" }, shortened(node.action ?? "")),
  );
}

/** The picture of an arranged graph. Its role is a group, not an image, because its nodes are links that can be reached. */
export function draw(arranged: Layout, name: string): SVGSVGElement {
  const { width, height } = arranged;
  const id = `graph-${name}-title`;
  return make(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-labelledby": `${id} ${id}-desc` },
    make("title", { id }, "Steps of the document"),
    make("desc", { id: `${id}-desc` }, `${arranged.nodes.length} steps, from top to bottom. The list below says the same.`),
    ...arranged.edges.map(drawEdge),
    ...arranged.nodes.map(drawNode),
  );
}
