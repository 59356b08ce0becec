// Puts back what cdk-ssm-documents leaves out of a document that it loads, and tells what of it mattered.
//
// And what it does otherwise than AWS documents. Without this most runs end at their first step, and nothing of what
// comes after could be compared. Each mend is a kind of difference that docs/benchmarks.md explains.
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

/** Stands for a list of DesiredValues, which are texts: AWS's booleans are written True and False. */
function texts(wanted, kinds) {
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const spelt = (value) => (/^(true|false)$/i.test(value) ? value.toLowerCase() : value);
  return {
    includes: (found) => {
      const fits = wanted.map((each) => spelt(text(each))).includes(spelt(text(found)));
      if (fits !== wanted.includes(found)) kinds.add("desired values");
      return fits;
    },
    toString: () => String(wanted),
  };
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
      // Where no choice is true the run ends, though the simulation asks for the step to go on with.
      if (step.action === "aws:branch" && step.isEnd) step.nextStep ??= step;
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
  const simulation = cdk.AutomationStepSimulation.prototype;
  const { getSelectedResponse } = simulation;
  simulation.getSelectedResponse = function (response) {
    const found = {};
    const { listOutputs } = this.step;
    for (const output of listOutputs.call(this.step)) {
      this.step.listOutputs = () => [output];
      try {
        Object.assign(found, getSelectedResponse.call(this, response));
      } catch (error) {
        if (!error.message.includes("but not found in response")) throw error;
        kinds.add("missing output");
      } finally {
        this.step.listOutputs = listOutputs;
      }
    }
    return found;
  };
  const { assertType } = cdk.StringVariable.prototype;
  cdk.StringVariable.prototype.assertType = function (value) {
    if (outcome(() => assertType.call(this, value)).startsWith("fails")) kinds.add("references");
  };
  return () => {
    Object.assign(AutomationSimulation.prototype, { createChain, start });
    cdk.DictFormat.prototype.resolveToDict = resolveToDict;
    simulation.getSelectedResponse = getSelectedResponse;
    cdk.StringVariable.prototype.assertType = assertType;
    return [...kinds].sort();
  };
};

function mendStep(step, written, following, given, kinds) {
  if (step.action === "aws:executeAwsApi" && step.outputs === undefined) {
    step.outputs = [];
    step.outputObserver = { accept: () => kinds.add("no outputs") };
  }
  if (step.desiredValues) {
    const { desiredValues } = step;
    const listed = step.listInputs();
    const wanted = new cdk.DictFormat(desiredValues).requiredInputs();
    step.listInputs = () => [...listed, ...wanted];
    step.inputObserver = {
      accept: (inputs) => {
        if (wanted.length) kinds.add("references");
        step.desiredValues = texts(resolved(desiredValues, inputs), kinds);
      },
    };
  }
  const observe = step.inputObserver;
  step.inputObserver = {
    accept: (inputs) => {
      if (step.listInputs().some((name) => name in given.globals)) kinds.add("globals");
      if (written.nextStep && written.nextStep !== following?.name) kinds.add("nextStep");
      observe.accept(inputs);
    },
  };
  for (const choice of step.choices ?? []) {
    const { constant, evaluate } = choice;
    choice.evaluate = (inputs) => {
      choice.constant = resolved(constant, inputs);
      if (choice.constant !== constant) kinds.add("references");
      const chosen = evaluate.call(choice, inputs);
      if (written.isEnd) {
        step.isEnd = !chosen;
        if (chosen) kinds.add("isEnd");
      }
      return chosen;
    };
  }
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
