/** What a graph's JSON holds: ssmdoc.graph's nodes and edges, with the looks that the template tag step_graph adds. */
export interface GraphNode {
  id: string;
  label?: string;
  action?: string;
  line?: number;
  kind?: string;
  status?: string;
  tone?: string;
  href?: string;
}

export interface GraphEdge {
  source: string;
  target: string;
  kind?: string;
  label?: string;
}

export interface GraphData {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** Edges to steps that do not exist (a draft's misspelt nextStep) have no place in a picture; the findings name them. */
export function drawable(data: GraphData): GraphData {
  const known = new Set(data.nodes.map((node) => node.id));
  return { ...data, edges: data.edges.filter((edge) => known.has(edge.source) && known.has(edge.target)) };
}
