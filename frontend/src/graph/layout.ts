import { Graph, layout } from "@dagrejs/dagre";
import type { GraphData, GraphEdge, GraphNode } from "./model";

export interface Point {
  x: number;
  y: number;
}
export interface PlacedNode extends Point {
  node: GraphNode;
  width: number;
  height: number;
}
export interface PlacedEdge {
  edge: GraphEdge;
  points: Point[];
  label: Point | null;
}
export interface Layout {
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
}

const LABEL_FONT = "600 13px system-ui, sans-serif";
const ACTION_FONT = "11px ui-monospace, monospace";
const EDGE_FONT = "11px system-ui, sans-serif";
export const MARGIN = 12;
const NODE_HEIGHT = 46;
const LONGEST = 34;

const pen = document.createElement("canvas").getContext("2d");

function textWidth(text: string, font: string): number {
  if (!pen) return text.length * 7;
  pen.font = font;
  return pen.measureText(text).width;
}

/** A text that fits a box; the whole one stays in the title. */
export function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** Places a document's steps from top to bottom in the order in which they run. */
export function arrange(data: GraphData): Layout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 40, edgesep: 14, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of data.nodes) {
    const width = Math.max(
      textWidth(shortened(node.label ?? node.id), LABEL_FONT),
      textWidth(shortened(node.action ?? ""), ACTION_FONT),
    );
    graph.setNode(node.id, { width: Math.ceil(width) + 28, height: NODE_HEIGHT, node });
  }
  data.edges.forEach((edge, index) => {
    const label = edge.label ? shortened(edge.label) : "";
    graph.setEdge(
      edge.source,
      edge.target,
      {
        // The way a run normally takes should be the straight one.
        weight: edge.kind === "next" || !edge.kind ? 4 : 1,
        minlen: 1,
        width: label ? Math.ceil(textWidth(label, EDGE_FONT)) + 6 : 0,
        height: label ? 14 : 0,
        labelpos: "c",
        edge,
      },
      String(index),
    );
  });
  layout(graph);

  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.ceil(size.width ?? 0),
    height: Math.ceil(size.height ?? 0),
    nodes: graph.nodes().map((id) => {
      const placed = graph.node(id) as PlacedNode;
      return { node: placed.node, x: placed.x, y: placed.y, width: placed.width, height: placed.height };
    }),
    edges: graph.edges().map((key) => {
      const placed = graph.edge(key) as { edge: GraphEdge; points?: Point[]; x?: number; y?: number };
      const label =
        placed.edge.label && placed.x !== undefined && placed.y !== undefined ? { x: placed.x, y: placed.y } : null;
      return { edge: placed.edge, points: placed.points ?? [], label };
    }),
  };
}
