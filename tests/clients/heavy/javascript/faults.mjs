// Errors are of the classes and names that programs look for.

import assert from "node:assert/strict";
import * as sagemaker from "@aws-sdk/client-sagemaker";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import { training } from "./requests.mjs";
import { until } from "./waiting.mjs";

const client = new sagemaker.SageMakerClient();

/** What a command is refused with. */
async function refused(command, by = client) {
  try {
    await by.send(command);
  } catch (error) {
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.ok(error.$metadata.requestId);
    assert.equal(error.$metadata.attempts, 1);
    return error;
  }
  assert.fail("it was not refused");
}

const nobody = { HyperParameterTuningJobName: "nobody" };
for (const command of [
  new sagemaker.StopHyperParameterTuningJobCommand(nobody),
  new sagemaker.DescribeHyperParameterTuningJobCommand(nobody),
  new sagemaker.StopCompilationJobCommand({ CompilationJobName: "nobody" }),
]) {
  const error = await refused(command);
  assert.ok(error instanceof sagemaker.ResourceNotFound, error);
  assert.ok(error instanceof sagemaker.SageMakerServiceException);
  assert.match(error.Message ?? error.message, /nobody|resource/i);
}
const tuning = await refused(new sagemaker.StopHyperParameterTuningJobCommand(nobody));
assert.equal(tuning.message, "Amazon SageMaker can't find a tuning job called nobody. Type another name.");

const missing = await refused(new sagemaker.StopTrainingJobCommand({ TrainingJobName: "nobody" }));
assert.deepEqual([missing.name, missing.message], ["ValidationException", "Requested resource not found."]);
const named = await refused(new sagemaker.StopTrainingJobCommand({ TrainingJobName: "not_a_name" }));
assert.equal(named.name, "ValidationException");
assert.match(named.message, /^1 validation error detected: Value 'not_a_name' at 'trainingJobName' failed to satisfy/);
const empty = await refused(new sagemaker.CreateTrainingJobCommand({}));
assert.match(empty.message, /^\d validation errors detected: Value null at 'trainingJobName'/);

await client.send(new sagemaker.CreateTrainingJobCommand(training("over", "true")));
const over = { TrainingJobName: "over" };
await until(
  async () => (await client.send(new sagemaker.DescribeTrainingJobCommand(over))).TrainingJobStatus,
  (status) => status === "Completed",
);
const again = await refused(new sagemaker.StopTrainingJobCommand(over));
assert.equal(again.message, "The request was rejected because the training job is in status Completed.");
const taken = await refused(new sagemaker.CreateTrainingJobCommand(training("over", "true")));
assert.ok(taken instanceof sagemaker.ResourceInUse, taken);

const stream = { logGroupName: "/aws/sagemaker/TrainingJobs", logStreamName: "nobody/algo-1-1" };
const unseen = await refused(new logs.GetLogEventsCommand(stream), new logs.CloudWatchLogsClient());
assert.ok(unseen instanceof logs.ResourceNotFoundException, unseen);
console.log("refused");
