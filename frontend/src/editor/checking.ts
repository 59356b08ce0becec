import type { GraphData } from "../graph/model";

/** A finding as ssmdoc's `Finding.as_dict()` gives it. Lines and columns count from 1. */
export interface Finding {
  id: string;
  severity: "error" | "warning" | "info";
  message: string;
  line: number;
  column: number;
  end_line: number;
  end_column: number;
  hint?: string;
}

export interface CheckResult {
  findings: Finding[];
  graph: GraphData | null;
}

export class CheckFailed extends Error {}

function csrfToken(form: HTMLFormElement | null): string {
  const field = (form ?? document).querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]");
  return field?.value ?? "";
}

/** Asks the server what it finds in a text. A newer question cancels an older one through `signal`. */
export async function check(
  url: string,
  text: string,
  format: string,
  form: HTMLFormElement | null,
  signal: AbortSignal,
): Promise<CheckResult> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken(form) },
    body: JSON.stringify({ text, format }),
    credentials: "same-origin",
    signal,
  });
  const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
  if (!response.ok || response.redirected || !isJson) {
    const problem = isJson ? ((await response.json()) as { title?: string }).title : undefined;
    throw new CheckFailed(problem ?? "The text could not be checked just now. What you write is not lost.");
  }
  return (await response.json()) as CheckResult;
}
