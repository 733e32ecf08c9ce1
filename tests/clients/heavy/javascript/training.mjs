// A training from create to stopped, with its waiter and its log.

import assert from "node:assert/strict";
import * as sagemaker from "@aws-sdk/client-sagemaker";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import { training } from "./requests.mjs";
import { until } from "./waiting.mjs";

const client = new sagemaker.SageMakerClient();
const name = { TrainingJobName: "digits-1" };
const describe = () => client.send(new sagemaker.DescribeTrainingJobCommand(name));

const created = await client.send(new sagemaker.CreateTrainingJobCommand(training("digits-1")));
assert.equal(created.TrainingJobArn, "arn:aws:sagemaker:eu-west-1:123456789012:training-job/digits-1");
assert.ok(created.$metadata.requestId);

const cloudwatch = new logs.CloudWatchLogsClient();
const group = { logGroupName: "/aws/sagemaker/TrainingJobs" };
const search = async (filterPattern) => {
  const found = [];
  try {
    const pages = logs.paginateFilterLogEvents({ client: cloudwatch }, { ...group, filterPattern });
    for await (const page of pages) found.push(...page.events);
  } catch (error) {
    if (!(error instanceof logs.ResourceNotFoundException)) throw error; // it has printed nothing yet
  }
  return found;
};
await until(() => search("ready"), (found) => found.length === 1);
assert.equal((await describe()).SecondaryStatus, "Training");

const stopped = await client.send(new sagemaker.StopTrainingJobCommand(name));
assert.deepEqual([stopped.$metadata.httpStatusCode, Object.keys(stopped)], [200, ["$metadata"]]);
const waited = await sagemaker.waitUntilTrainingJobCompletedOrStopped(
  { client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
  name,
);
assert.equal(waited.state, "SUCCESS");
const described = await describe();
assert.deepEqual([described.TrainingJobStatus, described.SecondaryStatus], ["Stopped", "Stopped"]);
assert.ok(described.CreationTime instanceof Date && described.CreationTime <= described.TrainingEndTime);
assert.equal(described.ModelArtifacts.S3ModelArtifacts, "s3://bucket/out/digits-1/output/model.tar.gz");

const { logStreams } = await cloudwatch.send(
  new logs.DescribeLogStreamsCommand({ ...group, logStreamNamePrefix: "digits-1/" }),
);
assert.equal(logStreams.length, 1);
const stream = { ...group, logStreamName: logStreams[0].logStreamName };
const page = await cloudwatch.send(new logs.GetLogEventsCommand({ ...stream, startFromHead: true }));
assert.match(page.events[0].message, /^ready \d+$/);
const end = await cloudwatch.send(new logs.GetLogEventsCommand({ ...stream, nextToken: page.nextForwardToken }));
assert.deepEqual([end.events, end.nextForwardToken], [[], page.nextForwardToken]);
assert.deepEqual((await search("SIGTERM")).map((event) => event.message), ["got SIGTERM"]);
console.log(described.TrainingJobStatus, page.events.map((event) => event.message.split(" ")[0]));
