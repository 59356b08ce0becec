import { indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { indentUnit } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { appearance } from "./appearance";
import { check, CheckFailed, type Finding } from "./checking";
import { completions, vocabulary } from "./completions";
import { FindingsPanel } from "./panel";
import type { GraphData } from "../graph/model";

const PAUSE_MS = 400;

function languageOf(format: string): Extension {
  return format.toUpperCase() === "JSON" ? json() : yaml();
}

function position(state: EditorState, line: number, column: number): number {
  const at = state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
  // Findings count characters, the editor UTF-16 units: a character outside the basic plane is two of them.
  const offset = [...at.text].slice(0, Math.max(column - 1, 0)).join("").length;
  return Math.min(at.from + offset, at.to);
}

function diagnostic(state: EditorState, finding: Finding): Diagnostic {
  const from = position(state, finding.line, finding.column);
  const to = Math.max(position(state, finding.end_line || finding.line, finding.end_column || finding.column), from);
  return {
    from,
    to,
    severity: finding.severity,
    message: finding.hint ? `${finding.message}\n${finding.hint}` : finding.message,
    source: finding.id,
  };
}

/** Shows the checked text's steps in the page's graph. A text that does not parse keeps the last picture that did. */
function showGraph(textarea: HTMLTextAreaElement, graph: GraphData | null): void {
  const script = document.querySelector(textarea.dataset.graphTarget ?? "#graph");
  if (!script || !graph) return;
  const nodes = graph.nodes.map((node) => ({ ...node, href: `#L${node.line ?? 1}` }));
  script.textContent = JSON.stringify({ ...graph, nodes });
  document.dispatchEvent(new CustomEvent("portal:graph"));
}

/** The line that a link of the graph means; the editor has no anchors that the browser could go to. */
function linkedLine(event: Event): number | null {
  const link = (event.target as Element).closest(".graph-node, .graph-words a");
  const line = /^#L(\d+)$/.exec(link?.getAttribute("href") ?? "")?.[1];
  return line ? Number(line) : null;
}

/**
 * Turns a textarea into an editor. The textarea stays in the form and always holds the text, so that sending the form is the
 * same with and without this script.
 *
 * The editor lives in a shadow root: there its generated style sheet is adopted by script, where in the document it would be a
 * <style> element that the content security policy refuses.
 */
export function startEditor(textarea: HTMLTextAreaElement): void {
  const form = textarea.form;
  const formatField = document.querySelector<HTMLSelectElement | HTMLInputElement>(textarea.dataset.formatField || "#none");
  const checkUrl = textarea.dataset.checkUrl ?? "";
  const language = new Compartment();
  const completion = new Compartment();
  let saved = textarea.value;
  let sending = false;
  let timer = 0;
  let asking: AbortController | null = null;

  // Radio buttons share a name; the chosen one is the format.
  const format = (): string => {
    if (formatField instanceof HTMLInputElement && formatField.type === "radio") {
      return form?.querySelector<HTMLInputElement>(`input[name="${formatField.name}"]:checked`)?.value ?? "YAML";
    }
    return formatField?.value ?? textarea.dataset.format ?? "YAML";
  };

  const frame = document.createElement("div");
  frame.className = "editor";
  const host = document.createElement("div");
  host.className = "editor-text";
  frame.append(host);
  const root = host.attachShadow({ mode: "open" });

  const label = textarea.labels?.[0];
  const named: Record<string, string> = {
    "aria-label": label?.textContent?.trim() || "Text of the document",
    "aria-multiline": "true",
    tabindex: "0",
  };

  const runCheck = async (): Promise<void> => {
    if (!checkUrl) return;
    asking?.abort();
    const mine = (asking = new AbortController());
    const asked = view.state.doc;
    try {
      const result = await check(checkUrl, asked.toString(), format(), form, mine.signal);
      if (mine.signal.aborted || !asked.eq(view.state.doc)) return;
      panel.show(result.findings);
      view.dispatch(setDiagnostics(view.state, result.findings.map((finding) => diagnostic(view.state, finding))));
      showGraph(textarea, result.graph);
    } catch (error) {
      if (mine.signal.aborted) return;
      panel.say(
        error instanceof CheckFailed ? error.message : "The portal does not answer. What you write is not lost.",
      );
    }
  };
  const checkSoon = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void runCheck(), PAUSE_MS);
  };

  const save = (): boolean => {
    form?.requestSubmit();
    return true;
  };

  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: textarea.value,
      extensions: [
        // Before the basic set-up, whose keys would otherwise come first.
        keymap.of([
          { key: "Mod-s", run: save, preventDefault: true },
          // Escape lets the next Tab move the focus on (CodeMirror's own tab focus mode): no keyboard trap.
          indentWithTab,
        ]),
        basicSetup,
        lintGutter(),
        indentUnit.of("  "),
        language.of(languageOf(format())),
        completion.of([]),
        appearance,
        EditorState.readOnly.of(textarea.readOnly),
        EditorView.contentAttributes.of(named),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          textarea.value = update.state.doc.toString();
          checkSoon();
        }),
      ],
    }),
  });

  const goTo = (line: number, column: number): void => {
    const at = position(view.state, line, column);
    view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    view.focus();
  };
  const panel = new FindingsPanel((finding) => goTo(finding.line, finding.column));
  frame.append(...panel.elements);
  textarea.before(frame);
  textarea.hidden = true;
  label?.addEventListener("click", () => view.focus());

  document.addEventListener("change", (event) => {
    const changed = event.target as HTMLInputElement;
    if (!formatField || (changed !== formatField && changed.name !== formatField.name)) return;
    view.dispatch({ effects: language.reconfigure(languageOf(format())) });
    void runCheck();
  });
  document.addEventListener("click", (event) => {
    const line = linkedLine(event);
    if (line === null) return;
    event.preventDefault();
    goTo(line, 1);
  });
  form?.addEventListener("submit", () => (sending = true));
  form?.addEventListener("htmx:afterRequest", (event) => {
    sending = false;
    if ((event as CustomEvent<{ successful: boolean }>).detail.successful) saved = textarea.value;
  });
  window.addEventListener("pageshow", () => (sending = false));
  window.addEventListener("beforeunload", (event) => {
    if (!sending && textarea.value !== saved) event.preventDefault();
  });
  if (textarea.dataset.completionsUrl) {
    vocabulary(textarea.dataset.completionsUrl).then(
      (words) => {
        const offered = [{ autocomplete: completions(words) }];
        view.dispatch({ effects: completion.reconfigure(EditorState.languageData.of(() => offered)) });
      },
      (problem: unknown) => console.warn("The editor goes on without completions.", problem),
    );
  }
  void runCheck();
}
