import type { Completion, CompletionContext, CompletionResult, CompletionSource } from "@codemirror/autocomplete";

/** What data-completions-url gives: keys by where they stand, and the names that `action` can take. */
export interface Vocabulary {
  keys: { label: string; detail?: string; info?: string }[];
  actions: { label: string; detail?: string; info?: string }[];
}

export async function vocabulary(url: string): Promise<Vocabulary> {
  const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!response.ok) throw new Error(`The completions at ${url} answered ${response.status}.`);
  return (await response.json()) as Vocabulary;
}

/** Offers action names after `action:` and keys elsewhere; the same in YAML and JSON, where only the quotes differ. */
export function completions(words: Vocabulary): CompletionSource {
  const actions: Completion[] = words.actions.map((action) => ({ ...action, type: "function" }));
  const keys: Completion[] = words.keys.map((key) => ({ ...key, type: "property" }));
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const action = /["']?action["']?\s*:\s*["']?([\w:]*)$/.exec(before);
    if (action) {
      return { from: context.pos - (action[1]?.length ?? 0), options: actions, validFor: /^[\w:]*$/ };
    }
    const key = /^[\s-]*["']?(\w*)$/.exec(before);
    if (!key || (!key[1] && !context.explicit)) return null;
    return { from: context.pos - (key[1]?.length ?? 0), options: keys, validFor: /^\w*$/ };
  };
}
