// Puts back what cdk-ssm-documents leaves out of a document that it loads, and tells what of it mattered.
//
// Without it most runs end at their first step, and nothing of what comes after could be compared. Each mend is a kind
// of difference that docs/benchmarks.md explains.
const cdk = require("@cdklabs/cdk-ssm-documents");
const { AutomationSimulation } = require("@cdklabs/cdk-ssm-documents/lib/simulation/document/automation-simulation");

const WHOLE = /^\s*\{\{\s*([^{}]+?)\s*\}\}\s*$/;
const ANY = /\{\{\s*([^{}]+?)\s*\}\}/g;

/** A value of a document with its references resolved; one that is all of a text keeps its type. */
function resolved(value, inputs) {
  if (Array.isArray(value)) return value.map((each) => resolved(each, inputs));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolved(each, inputs)]));
  }
  if (typeof value !== "string") return value;
  const look = (name) => {
    if (inputs[name] === undefined) throw new Error(`Input required but not found: ${name}`);
    return inputs[name];
  };
  const whole = WHOLE.exec(value);
  if (whole) return look(whole[1]);
  const text = (found) => (typeof found === "string" ? found : JSON.stringify(found));
  return value.replace(ANY, (_, name) => text(look(name)));
}

/** What a call gives, as text to compare. */
function outcome(call) {
  try {
    return String(JSON.stringify(call()));
  } catch (error) {
    return `fails: ${error.message}`;
  }
}

/** Mends a loaded document; the function that is returned undoes it, and gives the kinds of mends that mattered. */
exports.mend = function mend(document, given) {
  const kinds = new Set();
  const written = Object.fromEntries(given.steps.map((step) => [step.name, step]));
  const steps = document.collectedSteps();

  document.docInputs.forEach((input) => {
    const { validate } = input;
    input.validate = (value) => {
      if (outcome(() => validate.call(input, value)).startsWith("fails")) kinds.add("parameters");
    };
  });
  steps.forEach((step, place) => mendStep(step, written[step.name], steps[place + 1], given, kinds));

  const { createChain, start } = AutomationSimulation.prototype;
  AutomationSimulation.prototype.start = function (inputs) {
    return start.call(this, Object.assign(inputs, given.globals));
  };
  AutomationSimulation.prototype.createChain = (chained) => {
    chained.forEach((step, place) => {
      const { nextStep } = written[step.name];
      step.nextStep = nextStep ? chained.find((each) => each.name === nextStep) : chained[place + 1];
      step.allStepsInExecution = chained;
    });
    return chained[0];
  };
  const { resolveToDict } = cdk.DictFormat.prototype;
  cdk.DictFormat.prototype.resolveToDict = function (inputs) {
    const mended = resolved(this.format, inputs);
    if (outcome(() => resolveToDict.call(this, inputs)) !== JSON.stringify(mended)) kinds.add("references");
    return mended;
  };
  const { assertType } = cdk.StringVariable.prototype;
  cdk.StringVariable.prototype.assertType = function (value) {
    if (outcome(() => assertType.call(this, value)).startsWith("fails")) kinds.add("references");
  };
  return () => {
    Object.assign(AutomationSimulation.prototype, { createChain, start });
    cdk.DictFormat.prototype.resolveToDict = resolveToDict;
    cdk.StringVariable.prototype.assertType = assertType;
    return [...kinds].sort();
  };
};

function mendStep(step, written, following, given, kinds) {
  if (step.action === "aws:executeAwsApi" && step.outputs === undefined) {
    step.outputs = [];
    step.outputObserver = { accept: () => kinds.add("no outputs") };
  }
  const observe = step.inputObserver;
  step.inputObserver = {
    accept: (inputs) => {
      if (step.listInputs().some((name) => name in given.globals)) kinds.add("globals");
      if (written.nextStep && written.nextStep !== following?.name) kinds.add("nextStep");
      observe.accept(inputs);
    },
  };
  const [, target] = /^step:\s*(.+)$/.exec(written.onFailure ?? "") ?? [];
  if (target || written.onFailure === "Continue") {
    const choice = target ? cdk.OnFailure.invokeStepByName(target) : cdk.OnFailure.continue();
    step.onFailure = {
      stepToInvoke: (current) => {
        kinds.add("onFailure");
        return choice.stepToInvoke(current);
      },
    };
  }
  if (step.action === "aws:executeScript") {
    step.inputs = Object.fromEntries(
      Object.entries(step.inputs).map(([name, variable]) => {
        const value = written.payload[name];
        const resolve = (inputs) => {
          const mended = resolved(value, inputs);
          if (outcome(() => variable.resolve(inputs)) !== JSON.stringify(mended)) kinds.add("references");
          return mended;
        };
        return [name, { resolve, requiredInputs: () => new cdk.DictFormat({ value }).requiredInputs() }];
      }),
    );
  }
}
