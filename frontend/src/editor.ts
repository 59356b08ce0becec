import { startEditor } from "./editor/document_editor";

for (const textarea of document.querySelectorAll<HTMLTextAreaElement>("textarea[data-editor]")) startEditor(textarea);
