import type { Text } from "@codemirror/state";

/**
 * What a half-written document says, read line by line: a parser would refuse just the text that is being typed. Indentation
 * tells what holds what, in YAML as in JSON with a key a line.
 */
export interface Step {
  name: string;
  action: string;
  outputs: string[];
}

interface Line {
  /** Where the line's first character stands, and where its key stands: behind the dashes of a list. */
  start: number;
  indent: number;
  key: string;
  value: string;
}

const KEY = /^(\s*(?:-\s+)*)(?:["']?([\w.:-]+?)["']?\s*:(?:\s+|$)(.*))?/;

export function readLine(text: string): Line {
  const [, before = "", key = "", rest = ""] = KEY.exec(text) ?? [];
  const value = rest.replace(/,\s*$/, "").trim().replace(/^(["'])(.*)\1$/, "$2");
  return { start: text.search(/\S|$/), indent: before.length, key, value };
}

/** The keys that hold what stands on a line, the nearest first, each with the number of its line. */
export function holders(doc: Text, number: number): { key: string; number: number }[] {
  const found = [];
  let limit = readLine(doc.line(number).text).indent;
  for (let at = number - 1; at > 0 && limit > 0; at--) {
    const line = readLine(doc.line(at).text);
    if (!line.key || line.indent >= limit) continue;
    found.push({ key: line.key, number: at });
    limit = line.indent;
  }
  return found;
}

/** The values of the keys that stand beside a line's own, in the same map. */
export function siblings(doc: Text, number: number): Map<string, string> {
  const own = readLine(doc.line(number).text);
  const found = new Map<string, string>();
  const take = (at: number, downwards: boolean): boolean => {
    const text = doc.line(at).text;
    if (!text.trim()) return true;
    const line = readLine(text);
    const leaves = line.start < own.indent;
    if (line.key && line.indent === own.indent && !(leaves && downwards)) found.set(line.key, line.value);
    return !leaves;
  };
  // The first key of a list's item stands behind the dash, and nothing above it belongs to the item.
  for (let at = number; at > 0 && take(at, false); at--);
  for (let at = number + 1; at <= doc.lines && take(at, true); at++);
  return found;
}

/** The names that a map at the top of the document declares: parameters or variables. */
export function declared(doc: Text, section: string): string[] {
  const found: string[] = [];
  let top = -1;
  let indent = -1;
  for (let at = 1; at <= doc.lines; at++) {
    const line = readLine(doc.line(at).text);
    if (!line.key) continue;
    if (top < 0) {
      if (line.key === section && holders(doc, at).length === 0) top = line.indent;
    } else if (line.indent <= top) {
      break;
    } else {
      if (indent < 0) indent = line.indent;
      if (line.indent === indent) found.push(line.key);
    }
  }
  return found;
}

/** The steps in reading order, those inside loops too. */
export function steps(doc: Text): Step[] {
  const found: Step[] = [];
  for (let at = 1; at <= doc.lines; at++) {
    const line = readLine(doc.line(at).text);
    if (line.key === "action") {
      const name = siblings(doc, at).get("name");
      if (name) found.push({ name, action: line.value, outputs: [] });
    } else if (line.key === "Selector") {
      const name = siblings(doc, at).get("Name");
      if (name) found.at(-1)?.outputs.push(name);
    }
  }
  return found;
}
