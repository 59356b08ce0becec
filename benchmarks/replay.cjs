// Runs documents in cdk-ssm-documents' simulation, each answered as it was answered before.
//
// Reads {documents: [{path, text, inputs, globals, answers, scripts, mended}]} and writes a line of JSON a document,
// at once, so that whoever waits knows how far it came. `answers` holds, for each step, what AWS answered to its calls
// in turn; `scripts` what the script of each step gave in turn: the simulation itself would run them unconfined. With
// `mended`, what the package's loader leaves out of a document is put back (see mends.cjs).
const { appendFileSync, readFileSync } = require("node:fs");
const { App, Stack } = require("aws-cdk-lib");
const cdk = require("@cdklabs/cdk-ssm-documents");
const { NonRetriableException } = require("@cdklabs/cdk-ssm-documents/lib/domain/non-retriable-exception");
const { PythonScriptHandler } = require("@cdklabs/cdk-ssm-documents/lib/script/python-script-handler");
const { mend } = require("./mends.cjs");

const MOST_STEPS = 2000;
const MOST_CALLS = 2000;
const app = new App();
const realNow = Date.now;
let skipped = 0;
let run;
console.log = console.error = () => {};
Date.now = () => realNow() + skipped;

const folded = (name) => name.toLowerCase().replace(/[-_ ]/g, "");
const turn = (queue) => (queue.length > 1 ? queue.shift() : queue[0]);

function answer({ awsApi }) {
  run.calls += 1;
  if (run.calls > MOST_CALLS) throw new NonRetriableException(`It makes more than ${MOST_CALLS} calls.`);
  const answers = (run.answers[run.current.step] ?? {})[folded(awsApi)];
  if (!answers?.length) throw new NonRetriableException(`The trial made no call ${awsApi} in ${run.current.step}.`);
  const given = turn(answers);
  if (given.error) throw new Error(`${given.error.code}: ${given.error.message}`);
  // Recorded without what the client adds; selectors may still name it.
  return { ...structuredClone(given.response), ResponseMetadata: {} };
}

PythonScriptHandler.prototype.run = () => {
  const results = run.scripts[run.current.step];
  if (!results?.length) throw new NonRetriableException(`The trial did not run the script of ${run.current.step}.`);
  const given = turn(results);
  if (given.failed) throw new Error(given.failed);
  return { Payload: structuredClone(given.payload), status: "SUCCESS" };
};

const simulation = cdk.AutomationStepSimulation.prototype;
const { invokeWithFallback, tryExecute } = simulation;
simulation.invokeWithFallback = function (inputs) {
  if (run.trace.length >= MOST_STEPS) throw new NonRetriableException(`It runs more than ${MOST_STEPS} steps.`);
  run.current = { step: this.step.name, outputs: {} };
  run.trace.push(run.current);
  return invokeWithFallback.call(this, inputs);
};
simulation.tryExecute = function (inputs) {
  const entry = run.current;
  delete entry.failed;
  try {
    const selected = tryExecute.call(this, inputs);
    for (const [name, value] of Object.entries(selected)) entry.outputs[name.slice(this.step.name.length + 1)] = value;
    return selected;
  } catch (error) {
    entry.failed = error.message;
    throw error;
  }
};

function hooks(document) {
  const sleeping = new Set(document.collectedSteps().filter((step) => step.action === "aws:sleep"));
  const sleeps = new Set([...sleeping].map((step) => step.name));
  return {
    // Time passes between polls alone: the simulation holds what only sleeps to a step's time limit.
    sleepHook: { sleep: (milliseconds) => (skipped += sleeps.has(run.current.step) ? 0 : milliseconds) },
    awsInvoker: { invoke: answer },
    approveHook: { ask: () => true },
    pauseHook: { pause: () => {} },
  };
}

function simulate(given, number) {
  run = { trace: [], calls: 0, answers: given.answers, scripts: given.scripts, current: {} };
  skipped = 0;
  const told = { path: given.path };
  const load = given.text.trimStart().startsWith("{") ? "fromJson" : "fromYaml";
  let restore = () => [];
  try {
    const document = cdk.StringDocument[load](new Stack(app, `S${number}`), "D", given.text);
    if (given.mended) restore = mend(document, given);
    const result = cdk.Simulation.ofAutomation(document, hooks(document)).simulate(given.inputs);
    told.status = cdk.ResponseCode[result.responseCode];
    told.message = (result.stackTrace ?? "").split("\n")[0];
  } catch (error) {
    told.unrunnable = error.message;
  } finally {
    told.mends = restore();
  }
  return { ...told, trace: run.trace };
}

const { documents } = JSON.parse(readFileSync(0, "utf8"));
documents.forEach((given, number) => {
  appendFileSync(process.argv[2], `${JSON.stringify(simulate(given, number))}\n`);
});
