import type { Completion, CompletionContext, CompletionResult, CompletionSource } from "@codemirror/autocomplete";

import { declared, holders, readLine, siblings, steps } from "./outline";

interface Word {
  label: string;
  detail?: string;
  info?: string;
}

interface Action extends Word {
  inputs: (Word & { choices: string[] })[];
  outputs: Word[];
  cancelTarget: boolean;
}

/** What data-completions-url gives: see ssmdoc.completion. */
export interface Vocabulary {
  keys: Record<"document" | "definition" | "step" | "output" | "condition", Word[]>;
  actions: Action[];
  values: Record<string, string[]>;
  references: Word[];
}

export async function vocabulary(url: string): Promise<Vocabulary> {
  const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!response.ok) throw new Error(`The completions at ${url} answered ${response.status}.`);
  return (await response.json()) as Vocabulary;
}

/** Offers references inside braces, values behind a key that has known ones, and keys elsewhere; in YAML and in JSON. */
export function completions(words: Vocabulary): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const reference = /\{\{\s*([\w:.]*)$/.exec(before);
    if (reference) return offer(context, reference[1], references(words, context), /^[\w:.]*$/);
    const value = /^[\s-]*["']?[\w.]+["']?\s*:\s+["']?([\w:.]*)$/.exec(before);
    if (value) {
      const options = values(words, context, line.number);
      return options.length ? offer(context, value[1], options, /^[\w:.]*$/) : null;
    }
    const key = /^[\s-]*["']?(\w*)$/.exec(before);
    if (!key || (!key[1] && !context.explicit)) return null;
    return offer(context, key[1], keys(words, context, line.number), /^\w*$/);
  };
}

function offer(context: CompletionContext, typed = "", options: Completion[], validFor: RegExp): CompletionResult {
  return { from: context.pos - typed.length, options, validFor };
}

function typed(words: Word[], type: string): Completion[] {
  return words.map(({ label, detail, info }) => ({ label, detail, info: info || undefined, type }));
}

function references(words: Vocabulary, context: CompletionContext): Completion[] {
  const doc = context.state.doc;
  const outputs = steps(doc).flatMap((step) => {
    const implied = words.actions.find((action) => action.label === step.action)?.outputs ?? [];
    return [
      ...step.outputs.map((name) => ({ label: `${step.name}.${name}`, detail: "output" })),
      ...implied.map((output) => ({ label: `${step.name}.${output.label}`, detail: output.detail })),
    ];
  });
  return typed(
    [
      ...declared(doc, "parameters").map((label) => ({ label, detail: "parameter" })),
      ...outputs,
      ...declared(doc, "variables").map((name) => ({ label: `variable:${name}`, detail: "variable" })),
      ...words.references,
    ],
    "variable",
  );
}

function values(words: Vocabulary, context: CompletionContext, number: number): Completion[] {
  const doc = context.state.doc;
  const key = readLine(doc.line(number).text).key;
  const holder = holders(doc, number)[0];
  if (key === "action") return typed(words.actions, "function");
  const named = steps(doc);
  if (["nextStep", "NextStep", "Default"].includes(key)) {
    return typed(named.map((step) => ({ label: step.name, detail: step.action })), "constant");
  }
  if (holder?.key === "inputs") {
    const input = actionOf(words, context, holder.number)?.inputs.find((item) => item.label === key);
    return typed((input?.choices ?? []).map((label) => ({ label })), "constant");
  }
  const known = (words.values[key] ?? []).map((label) => ({ label }));
  const able = (action: string) => key === "onFailure" || words.actions.find(({ label }) => label === action)?.cancelTarget;
  const jumps = ["onFailure", "onCancel"].includes(key)
    ? named.filter((step) => able(step.action)).map((step) => ({ label: `step:${step.name}`, detail: step.action }))
    : [];
  return typed([...known, ...jumps], "constant");
}

function keys(words: Vocabulary, context: CompletionContext, number: number): Completion[] {
  const [holder, second] = holders(context.state.doc, number);
  return typed(keysUnder(words, context, holder, second?.key), "property");
}

function keysUnder(
  words: Vocabulary,
  context: CompletionContext,
  holder: { key: string; number: number } | undefined,
  above: string | undefined,
): Word[] {
  if (!holder) return words.keys.document;
  if (holder.key === "inputs") return actionOf(words, context, holder.number)?.inputs ?? [];
  if (["mainSteps", "Steps"].includes(holder.key)) return words.keys.step;
  if (holder.key === "outputs") return above ? words.keys.output : [];
  if (["Choices", "And", "Or", "Not", "LoopCondition"].includes(holder.key)) return words.keys.condition;
  return above === "parameters" || above === "variables" ? words.keys.definition : [];
}

function actionOf(words: Vocabulary, context: CompletionContext, number: number): Action | undefined {
  const name = siblings(context.state.doc, number).get("action");
  return words.actions.find((action) => action.label === name);
}
