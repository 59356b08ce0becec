import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

// light-dark() follows the page's colour scheme, so one theme serves both.
const looks = EditorView.theme({
  "&": { backgroundColor: "var(--portal-surface)", color: "var(--portal-text)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--tblr-font-monospace)",
    lineHeight: "1.55",
    minHeight: "22rem",
    maxHeight: "70vh",
    overflow: "auto",
  },
  ".cm-content": { caretColor: "var(--portal-text)" },
  ".cm-cursor": { borderLeftColor: "var(--portal-text)" },
  ".cm-gutters": {
    backgroundColor: "var(--portal-code)",
    color: "var(--portal-quiet)",
    borderRight: "1px solid var(--portal-line)",
  },
  ".cm-activeLine": { backgroundColor: "light-dark(#0f62b80d, #ffffff0a)" },
  ".cm-activeLineGutter": { backgroundColor: "light-dark(#0f62b81a, #ffffff14)", color: "var(--portal-text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "light-dark(#cfe2f8, #2a4a72) !important",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "light-dark(#cdeed8, #1e4b30)" },
  ".cm-tooltip": {
    backgroundColor: "var(--portal-surface)",
    color: "var(--portal-text)",
    border: "1px solid var(--portal-line)",
    borderRadius: "6px",
    maxWidth: "min(36rem, 90vw)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--tblr-primary)", color: "#fff" },
  ".cm-completionDetail": { color: "inherit", opacity: "0.8" },
  ".cm-diagnostic": { padding: "0.4rem 0.6rem", whiteSpace: "pre-wrap" },
  ".cm-panels": { backgroundColor: "var(--portal-code)", color: "var(--portal-text)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "light-dark(#0b5394, #8abcfb)" },
  { tag: [tags.string, tags.special(tags.string)], color: "light-dark(#17652f, #8fd6a8)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "light-dark(#8a3b00, #ffb784)" },
  { tag: tags.keyword, color: "light-dark(#6b2fa0, #cba6f7)" },
  { tag: [tags.comment, tags.lineComment], color: "light-dark(#5b6572, #98a1ad)", fontStyle: "italic" },
  { tag: [tags.separator, tags.punctuation, tags.brace, tags.squareBracket], color: "light-dark(#56606e, #a4acb8)" },
  { tag: tags.invalid, color: "light-dark(#a51c1c, #ff9f99)" },
]);

export const appearance = [looks, syntaxHighlighting(colours)];
